import type { ConsoleSnapshot } from '../../console/index.js';
import { failuresIn } from './numbers.js';
import { visible } from './terminal-text.js';

/** For logs and files: one line that is easy to search and parse. */
export function topLine(snapshot: ConsoleSnapshot): string {
  const { pool, time, verdict, connections, waiting, waitTime, queryTime, rates, failures } = snapshot;
  const figures = [
    `used ${connections.leased}/${connections.limit}`,
    `waiting ${waiting.callers}`,
    `oldest ${waiting.oldest.toFixed(0)} ms`,
    `wait p99 ${waitTime.p99.toFixed(1)} ms`,
    `query p99 ${queryTime.p99.toFixed(1)} ms`,
    ...(rates === undefined
      ? []
      : [`${rates.acquires.toFixed(1)} acquires/s`, `${rates.queries.toFixed(1)} queries/s`]),
    ...(failures === undefined ? [] : [`${failuresIn(failures)} failures`]),
  ].join(', ');
  const of = `top: ${new Date(time).toISOString()} ${pool} ${verdict.severity} ${verdict.kind}`;
  return visible(`${of}, ${figures}: ${verdict.sentence}`);
}

/** When nothing comes. */
export function lostLine(time: number, reason: string): string {
  return visible(`top: ${new Date(time).toISOString()} stale, trying again: ${reason}`);
}
