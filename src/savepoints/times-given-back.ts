import type { LogEntry } from './call-log.js';
import type { LoggedCall } from './logged-call.js';
import type { ServerClock, TimeWindow } from './server-clock.js';
import { Times, timesIn } from './times-in-values.js';

/**
 * Finds the first call that sends a time which the server made for an earlier call of the same transaction: as a
 * version, a copy or a bound. In a replay the earlier call gets another time, while this one would send the old.
 * @param replays when calls were replayed before: the server made times then too
 * @param clock called only when a call sends a time that the server may have made
 */
export async function givesBackTime(
  entries: readonly LogEntry[],
  replays: readonly TimeWindow[],
  clock: () => Promise<ServerClock>,
): Promise<LoggedCall | undefined> {
  const shown = new Times();
  const sent = new Set<bigint>();
  const written = new Set<string>();
  const windows = [...replays];
  for (const { call } of entries) {
    const parameters = call.decodedBindings;
    for (const moment of shown.foundIn(call.text, parameters)) {
      const server = await clock();
      if (windows.some((window) => server.isWithin(moment, window))) return call;
    }
    for (const moment of timesIn([call.text, parameters])) sent.add(moment);
    if (!call.onlyReads) {
      windows.push(call.made);
      for (const record of call.records) written.add(record);
    }
    if (windows.length === 0) continue;
    for (const { moment, record } of call.moments) {
      // Times sent by the program itself, or in records of others, are the same in each run.
      if (!sent.has(moment) && (record === undefined || written.has(record))) shown.add(moment);
    }
  }
  return undefined;
}
