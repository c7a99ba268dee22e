import { CborCodec, StringRecordId } from 'surrealdb';
import { judgeReading } from '../surrealql/only-reads.js';
import { replayability } from '../surrealql/replayability.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import { EncodedValue, encodedMap } from './encoded-value.js';
import type { LoggedCall } from './logged-call.js';
import { settable } from './replay-messages.js';

/** A read that shows whether two transactions see the same input of a call. */
export interface Look {
  readonly text: string;
  readonly bindings: EncodedValue;
  /** The call whose input it reads. */
  readonly call: LoggedCall;
}

/**
 * Reads the inputs of calls that write, as far as they can be read separately: the records the calls name, and what
 * their reading statements read.
 */
export function looksAt(calls: readonly LoggedCall[]): Look[] {
  return calls.flatMap((call) => [...readsIn(call), ...recordsOf(call)]);
}

function* readsIn(call: LoggedCall): Generator<Look> {
  const { statements, certain } = call.surrealText.split;
  const parameters = call.bindings.entries();
  if (!certain || !parameters.every(({ key }) => settable.test(key.text ?? ''))) return;
  for (const { start, end, tokens } of statements) {
    const text = new SurrealText(call.text.slice(start, end));
    // With parameters it would be sent in a block, where only a SELECT answers as it does alone.
    if (parameters.length > 0 && tokens[0]?.value !== 'SELECT') continue;
    if (tokens[0]?.value === 'LET' || !judgeReading(text, call.decodedBindings).onlyReads) continue;
    // A statement that answers differently each time would show a difference without any change.
    if (replayability(text, call.decodedBindings).kind !== 'replayable') continue;
    yield { text: text.text, bindings: call.bindings, call };
  }
}

function* recordsOf(call: LoggedCall): Generator<Look> {
  if (call.onlyReads || call.records.size === 0) return;
  const records = [...call.records].map((record) => new StringRecordId(record));
  const bindings = encodedMap([['records', CborCodec.DEFAULT.encode(records)]]);
  yield { text: 'SELECT * FROM $records', bindings: new EncodedValue(bindings), call };
}
