import { randomBytes } from 'node:crypto';
import { type AddedAnswers, emptyCache, type Mending, mendedText, noMending } from '../surrealql/mended-text.js';
import type { Token } from '../surrealql/token.js';
import { EncodedBindings } from '../wire/recording-codec.js';
import { type EncodedValue, encodedMap } from './encoded-value.js';
import type { LoggedCall } from './logged-call.js';

/** One message of a replay: one call unchanged, or several together. */
export interface ReplayMessage {
  readonly text: string;
  readonly bindings: EncodedBindings;
  readonly calls: readonly LoggedCall[];
  /** Which answers belong to statements added by the pool. */
  readonly added: AddedAnswers;
}

/** A statement that can share a message. */
interface SharedStatement {
  readonly text: string;
  readonly bindings: EncodedValue;
  readonly onlyReads: boolean;
}

const mostCalls = 64;
/** A larger message would be slower than several small ones. */
const mostBytes = 16 * 1024;

/** Names that `LET` can set. SurrealDB reserves others, or gives them a special meaning in some places. */
export const settable: RegExp =
  /^(?!(?:access|after|auth|before|event|input|parent|reference|request|session|this|token|value)$)[A-Za-z_][A-Za-z0-9_]*$/;

function isSettable(name: EncodedValue): boolean {
  return settable.test(name.text ?? '');
}

/**
 * Statements that answer in a block as they do alone. For a block within a block SurrealDB answers nothing, or an
 * error; up to 3.1 an expression that reads a record (`RETURN $user.name`) fails in a block.
 */
const sameInBlock = new Set('SELECT CREATE UPDATE UPSERT DELETE INSERT RELATE IF FOR'.split(' '));

/**
 * Combines the calls of a replay into messages, in order. One call must not see the variables of another, nor may the
 * fields and events it triggers: so each call with parameters is sent in a block of its own.
 *
 *     { LET $name = $_4f1c_0_name;              bound: _4f1c_0_name, _4f1c_2_name, …
 *     CREATE user:1 SET name = $name }
 *     ;
 *     SELECT * FROM user
 *     ;
 *     { LET $name = $_4f1c_2_name; …
 *
 * The values are the bytes sent before. Their names are random for each replay, so that no text and no schema can refer
 * to them. A call that cannot run in a block, or may answer differently there, goes alone and unchanged.
 */
export class ReplayMessages {
  readonly #mending: Mending;
  readonly #prefix = `_${randomBytes(8).toString('hex')}`;

  constructor(mending: Mending) {
    this.#mending = mending;
  }

  /** The next message: as many of these calls, from the first on, as fit in one. */
  next(calls: readonly LoggedCall[]): ReplayMessage {
    const [first] = calls;
    if (first === undefined) throw new RangeError('nothing is left to replay');
    if (!canShare(first)) return this.#alone(first);
    let bytes = 0;
    const shared = calls.slice(0, mostCalls).findIndex((call) => {
      bytes += call.size;
      return !canShare(call) || bytes > mostBytes;
    });
    return this.#together(calls.slice(0, shared === -1 ? mostCalls : Math.max(1, shared)));
  }

  #alone(call: LoggedCall): ReplayMessage {
    // A call refused as a whole was finally sent unchanged: see calls/mended-calls.ts.
    const mended = mendedText(call.surrealText, call.failure === undefined ? this.#mending : noMending);
    return { ...mended, bindings: new EncodedBindings(call.bindings.bytes), calls: [call] };
  }

  #together(calls: readonly LoggedCall[]): ReplayMessage {
    return { ...this.shared(calls), calls };
  }

  /** Combines single statements into one message, each with its own parameters. */
  shared(statements: readonly SharedStatement[]): Omit<ReplayMessage, 'calls'> {
    const { emptiesCache, use } = this.#mending;
    const texts = use === undefined ? [] : [use];
    const bindings: [string, Uint8Array][] = [];
    const added = new Set(texts.keys());
    statements.forEach((call, index) => {
      const prefix = `${this.#prefix}_${index}_`;
      const own = call.bindings.entries().map(({ key, value }) => ({ name: key.text ?? '', value }));
      for (const { name, value } of own) bindings.push([prefix + name, value.bytes]);
      const sets = own.map(({ name }) => `LET $${name} = $${prefix}${name};`);
      texts.push(own.length === 0 ? call.text : `{ ${sets.join(' ')}\n${call.text}\n}`);
      if (!emptiesCache || call.onlyReads) return;
      added.add(texts.length);
      texts.push(emptyCache);
    });
    return { text: texts.join('\n;\n'), bindings: new EncodedBindings(encodedMap(bindings)), added };
  }
}

/** Whether a call may share a message. */
function canShare(call: LoggedCall): boolean {
  if (call.replayability.kind !== 'replayable' || !call.succeeded || call.answers().length !== 1) return false;
  const { statements, certain } = call.surrealText.split;
  if (!certain || statements.length !== 1) return false;
  const [only] = statements;
  const tokens = only?.tokens ?? [];
  const keyword = tokens[0]?.value ?? '';
  // A LET sets a variable for the rest of its own text.
  if (keyword === 'LET') return false;
  const parameters = call.bindings.entries();
  if (parameters.length === 0) return true;
  // A RETURN within brackets would leave the enclosing block.
  return sameInBlock.has(keyword) && !returnsWithinBrackets(tokens) && parameters.every(({ key }) => isSettable(key));
}

function returnsWithinBrackets(tokens: readonly Token[]): boolean {
  const open = tokens.findIndex(({ text }) => text === '{' || text === '(');
  return open !== -1 && tokens.slice(open).some(({ kind, value }) => kind === 'word' && value === 'RETURN');
}
