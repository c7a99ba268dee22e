import { CborCodec, StringRecordId } from 'surrealdb';
import { judgeReading } from '../surrealql/only-reads.js';
import { replayability } from '../surrealql/replayability.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import { EncodedValue, encodedMap } from './encoded-value.js';
import type { LoggedCall } from './logged-call.js';
import { settable } from './replay-messages.js';

/** A read that shows whether two transactions see the same of what a call was answered from. */
export interface Look {
  readonly text: string;
  readonly bindings: EncodedValue;
  /** The call that it is for. */
  readonly call: LoggedCall;
}

/**
 * What the answers of calls that write were made from, as far as it can be read without them: the records they name, and
 * what the reading statements in them read.
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
    // Only with parameters it stands in a block, where not everything answers as it does by itself.
    if (parameters.length > 0 && tokens[0]?.value !== 'SELECT') continue;
    if (tokens[0]?.value === 'LET' || !judgeReading(text, call.decodedBindings).onlyReads) continue;
    // What is another one each time would differ without anything having changed.
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
