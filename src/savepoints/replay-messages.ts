import { randomBytes } from 'node:crypto';
import { type AddedAnswers, emptyCache, type Mending, mendedText, noMending } from '../surrealql/mended-text.js';
import type { Token } from '../surrealql/token.js';
import { EncodedBindings } from '../wire/recording-codec.js';
import { type EncodedValue, encodedMap } from './encoded-value.js';
import type { LoggedCall } from './logged-call.js';

/** One message of a replay: one call as it was made, or several that are sent as one. */
export interface ReplayMessage {
  readonly text: string;
  readonly bindings: EncodedBindings;
  readonly calls: readonly LoggedCall[];
  /** Which of the answers are the pool's own. */
  readonly added: AddedAnswers;
}

/** A statement that can share a message with others. */
interface SharedStatement {
  readonly text: string;
  readonly bindings: EncodedValue;
  readonly onlyReads: boolean;
}

const mostCalls = 64;
/** Larger ones get slower than several. */
const mostBytes = 16 * 1024;

/** Names a variable can be given by `LET`; SurrealDB keeps others for itself, and gives some a meaning in some places. */
export const settable: RegExp =
  /^(?!(?:access|after|auth|before|event|input|parent|reference|request|session|this|token|value)$)[A-Za-z_][A-Za-z0-9_]*$/;

function isSettable(name: EncodedValue): boolean {
  return settable.test(name.text ?? '');
}

/**
 * What answers in a block as it does by itself. SurrealDB answers nothing when a block stands in another, or that it is
 * left in the wrong place; up to 3.1 an expression that reads a record (`RETURN $user.name`) fails in a block.
 */
const sameInBlock = new Set('SELECT CREATE UPDATE UPSERT DELETE INSERT RELATE IF FOR'.split(' '));

/**
 * Puts the calls of a replay together, in their order. Nothing of one call may be visible to another, nor to the fields
 * and events that another sets off: so each call that has parameters stands in a block of its own.
 *
 *     { LET $name = $_4f1c_0_name;              bound: _4f1c_0_name, _4f1c_2_name, …
 *     CREATE user:1 SET name = $name }
 *     ;
 *     SELECT * FROM user
 *     ;
 *     { LET $name = $_4f1c_2_name; …
 *
 * The values go as the bytes that were sent. The names they travel under are drawn for each replay, so that no text and no
 * schema can mean them. A call that cannot stand in a block, or may not be the same there, goes alone, as it was.
 */
export class ReplayMessages {
  readonly #mending: Mending;
  readonly #prefix = `_${randomBytes(8).toString('hex')}`;

  constructor(mending: Mending) {
    this.#mending = mending;
  }

  /** The next message: as many of these calls, from the first on, as can go in one. */
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
    // What was refused as a whole was sent as it is in the end: see calls/mended-calls.ts.
    const mended = mendedText(call.surrealText, call.failure === undefined ? this.#mending : noMending);
    return { ...mended, bindings: new EncodedBindings(call.bindings.bytes), calls: [call] };
  }

  #together(calls: readonly LoggedCall[]): ReplayMessage {
    return { ...this.shared(calls), calls };
  }

  /** Single statements as one message, each with its own parameters. */
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

/** Whether a call may stand beside others in one message. */
function canShare(call: LoggedCall): boolean {
  if (call.replayability.kind !== 'replayable' || !call.succeeded || call.answers().length !== 1) return false;
  const { statements, certain } = call.surrealText.split;
  if (!certain || statements.length !== 1) return false;
  const [only] = statements;
  const tokens = only?.tokens ?? [];
  const keyword = tokens[0]?.value ?? '';
  // What a LET sets is for the rest of its own text.
  if (keyword === 'LET') return false;
  const parameters = call.bindings.entries();
  if (parameters.length === 0) return true;
  // A RETURN within brackets would leave the block around it.
  return sameInBlock.has(keyword) && !returnsWithinBrackets(tokens) && parameters.every(({ key }) => isSettable(key));
}

function returnsWithinBrackets(tokens: readonly Token[]): boolean {
  const open = tokens.findIndex(({ text }) => text === '{' || text === '(');
  return open !== -1 && tokens.slice(open).some(({ kind, value }) => kind === 'word' && value === 'RETURN');
}
