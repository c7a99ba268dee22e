import type { PoolStats } from '../telemetry/pool-stats.js';
import { formatNumber } from './formats.js';

/** How single calls of the pool went to the server. */
export interface MessageFigures {
  /** Messages that carried single calls. */
  readonly sent: number;
  /** Calls they carried, each attempt counted. */
  readonly calls: number;
  /** Calls a message carried in the mean; null when there were none. */
  readonly callsPerMessage: number | null;
}

/** How single calls went to the server between two looks at the pool. */
export function messageFigures(
  before: Pick<PoolStats, 'messages'>,
  after: Pick<PoolStats, 'messages'>,
): MessageFigures {
  const sent = after.messages.sent - before.messages.sent;
  const calls = after.messages.calls - before.messages.calls;
  return { sent, calls, callsPerMessage: sent === 0 ? null : calls / sent };
}

/** The same, in a line of a report. */
export function messagesText(calls: number, callsPerMessage: number): string {
  return `${callsPerMessage.toFixed(1)} calls in each, of ${formatNumber(calls, 'single call')}`;
}
