import type { LogEntry } from './call-log.js';
import type { LoggedCall } from './logged-call.js';
import { Times } from './times-in-values.js';

/**
 * The first call that gives back a time which the server made for an earlier call of the same transaction: as a version, a
 * copy, a bound. Made again, the earlier call has another time, and this one would mean the old.
 */
export function givesBackTime(entries: readonly LogEntry[]): LoggedCall | undefined {
  const own = new Times();
  const written = new Set<string>();
  let hasWritten = false;
  for (const { call } of entries) {
    if (own.foundIn(call.text, call.decodedBindings) !== undefined) return call;
    if (!call.onlyReads) {
      hasWritten = true;
      for (const record of call.records) written.add(record);
    }
    if (!hasWritten) continue;
    // A time in a record that the transaction has not written is others', and the same in each run.
    for (const { moment, record } of call.moments) if (record === undefined || written.has(record)) own.add(moment);
  }
  return undefined;
}
