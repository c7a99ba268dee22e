import { formatDuration as time } from '../time/format-duration.js';
import type { EndpointReading, LeaseReading, VerdictReading } from './verdict-reading.js';
import { addressInShort, callers, inShort, number, withoutAddress } from './words.js';

/** How much of the pool is lent. */
export function inUse({ stats: { leased, maxConnections } }: VerdictReading): string {
  return `${number(leased)} of ${number(maxConnections)} connections in use`;
}

/** Who waits and for how long, and how many were turned away. */
export function queue({ stats, lastMinute }: VerdictReading): string {
  const { waiting, oldestWaiter } = stats;
  const timedOut = lastMinute?.timedOut ?? 0;
  const turnedAway = lastMinute?.turnedAway ?? 0;
  const parts = [
    waiting === 0 ? '' : `${callers(waiting)}, ${waiting === 1 ? '' : 'the oldest '}for ${time(oldestWaiter)}`,
    timedOut === 0 ? '' : `${number(timedOut)} timed out in the last minute`,
    turnedAway === 0 ? '' : `${number(turnedAway)} refused in the last minute`,
  ].filter((part) => part !== '');
  return parts.join(', ');
}

/** That a server is out, why, and when the pool tries it again. */
export function out(endpoint: EndpointReading): string {
  const { url, circuit, nextProbeIn } = endpoint;
  const breaker = circuit === 'closed' ? '' : ` (breaker ${circuit})`;
  return `${addressInShort(url)} is out${breaker}: ${reasonOf(endpoint)}${next(nextProbeIn)}`;
}

/** Why a server failed last. */
export function reasonOf({ lastError }: EndpointReading): string {
  return inShort(withoutAddress(lastError ?? 'no answer'));
}

/** When a server is tried again; nothing when it is not known. */
export function next(probeIn: number): string {
  return probeIn > 0 ? `; next attempt in ${time(probeIn)}` : '';
}

/** A lent connection by its number, and whose it is. */
export function nameOf({ connection, agentId }: LeaseReading): string {
  return agentId === undefined ? `connection #${connection}` : `connection #${connection} of agent ${agentId}`;
}
