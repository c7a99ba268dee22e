import { BoundQuery } from 'surrealdb';
import { tokenize } from '../surrealql/tokens.js';

/** A call as it is replayed. */
export interface ReplayedCall {
  readonly text: string;
  readonly bindings: Readonly<Record<string, unknown>>;
  /** How many statements answered when it was made. */
  readonly replies: number;
  /** How large its text and parameters are, in bytes. */
  readonly bytes: number;
}

/** Several calls that are sent as one. */
export interface ReplayBatch {
  readonly query: BoundQuery;
  /** How many replies each call has, and how many of them come first that only set its parameters. */
  readonly calls: readonly { readonly skip: number; readonly replies: number }[];
}

const mostTexts = 64;
/** Larger ones get slower than several. */
const mostBytes = 16 * 1024;

/**
 * Puts the calls of a replay together, in order. Texts stay as they were; the parameters of each are set before it:
 *
 *     LET $name = $r0_name;        bound: r0_name, bind__7, r2_name
 *     CREATE user:1 SET name = $name
 *     ;
 *     SELECT * FROM $bind__7       the builders' own parameters are unique already
 *     ;
 *     LET $name = $r2_name;
 *     …
 *
 * A text that sets variables is the last of its batch, and one that uses a variable it did not bring is the first of its
 * own: it means the session's, not that of a text before it.
 */
export function replayBatches(calls: readonly ReplayedCall[]): ReplayBatch[] {
  const batches: ReplayBatch[] = [];
  let batch = new BatchInMaking();
  const end = (): void => {
    if (batch.size > 0) batches.push(batch.finish());
    batch = new BatchInMaking();
  };
  for (const call of calls) {
    const uses = new ParameterUse(call);
    if (!batch.takes(call, uses)) end();
    batch.add(call, uses);
    if (uses.setsVariables) end();
  }
  end();
  return batches;
}

/** The replies to a batch, sorted by call; undefined when they are not as many as there must be. */
export function alignReplies<Reply>(batch: ReplayBatch, replies: readonly Reply[]): Reply[][] | undefined {
  let at = 0;
  const aligned = batch.calls.map(({ skip, replies: count }) => {
    at += skip + count;
    return replies.slice(at - count, at);
  });
  return at === replies.length ? aligned : undefined;
}

/** The builders' names for parameters, never given twice in a process. */
const builders = /^bind__\d+$/;
/** Names that LET can set, that mean nothing else to the server, and that are not like those made here. */
const settable = /^(?!(?:this|parent|value|before|after|event|input|request|reference)$|r\d+_)[A-Za-z_][A-Za-z0-9_]*$/;

class ParameterUse {
  /** Parameters that have to be set before the text. */
  readonly set: readonly string[];
  /** Those it uses without bringing them. */
  readonly free: readonly string[];
  readonly setsVariables: boolean;
  /** Whether it cannot share a batch with others. */
  readonly alone: boolean;

  constructor({ text, bindings }: ReplayedCall) {
    const tokens = tokenize(text);
    this.set = Object.keys(bindings).filter((name) => !builders.test(name));
    this.free = tokens
      .filter((token) => token.kind === 'parameter' && !Object.hasOwn(bindings, token.value))
      .map((token) => token.value);
    this.setsVariables = tokens.some((token) => token.kind === 'word' && token.value === 'LET');
    this.alone = !this.set.every((name) => settable.test(name)) || this.free.some((name) => /^r\d+_/.test(name));
  }
}

class BatchInMaking {
  readonly #calls: ReplayedCall[] = [];
  readonly #uses: ParameterUse[] = [];
  readonly #set = new Set<string>();
  #bytes = 0;
  #closed = false;

  get size(): number {
    return this.#calls.length;
  }

  takes(call: ReplayedCall, uses: ParameterUse): boolean {
    if (this.size === 0) return true;
    if (this.#closed || uses.alone) return false;
    if (this.size === mostTexts || this.#bytes + call.bytes > mostBytes) return false;
    return !uses.free.some((name) => this.#set.has(name));
  }

  add(call: ReplayedCall, uses: ParameterUse): void {
    this.#calls.push(call);
    this.#uses.push(uses);
    this.#bytes += call.bytes;
    this.#closed = uses.alone;
    for (const name of uses.set) this.#set.add(name);
  }

  finish(): ReplayBatch {
    const [only] = this.#calls;
    if (this.size === 1 && only !== undefined) {
      return { query: new BoundQuery(only.text, only.bindings), calls: [{ skip: 0, replies: only.replies }] };
    }
    const bindings: Record<string, unknown> = {};
    const texts = this.#calls.map(({ text, bindings: own }, index) => {
      const names = this.#uses[index]?.set ?? [];
      for (const [name, value] of Object.entries(own))
        bindings[names.includes(name) ? `r${index}_${name}` : name] = value;
      return names.map((name) => `LET $${name} = $r${index}_${name};`).join('') + text;
    });
    return {
      query: new BoundQuery(texts.join('\n;\n'), bindings),
      calls: this.#calls.map(({ replies }, index) => ({ skip: this.#uses[index]?.set.length ?? 0, replies })),
    };
  }
}
