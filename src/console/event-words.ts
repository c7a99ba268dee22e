import { messageOf } from '../errors/error-message.js';
import type { CloseReason } from '../pool/close-reason.js';
import type { PoolEvents } from '../pool/events.js';
import { formatDuration } from '../time/format-duration.js';
import { addressInShort, inShort, plural, withoutAddress } from '../verdict/words.js';

/** An event in words. */
export interface EventWords {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  /** What it has in common with others that are counted together; by default its text. */
  readonly same?: string;
}

const closeReasonsInWords: Record<CloseReason, string> = {
  idle: 'it was idle for longer than idleTimeout',
  lifetime: 'it was as old as maxLifetime allows',
  uses: 'it was lent as often as recycleAfterUses allows',
  recycled: 'it was marked for recycling',
  'probe-failed': 'its probe failed',
  'reset-failed': 'it could not be reset after a lease',
  died: 'its socket was closed',
  'cut-off': 'the caller aborted a call on it',
  unanswered: 'a call on it got no answer in time',
  'signed-out': 'its session was over',
  'endpoint-out': 'its server is out',
  drained: 'its server is being drained',
  rebalance: 'its server had more than its share',
  leaving: 'its server is shutting down or full',
  resized: 'the pool was made smaller',
  shutdown: 'the pool is shutting down',
  aborted: 'its lease was ended while it was in use',
};

/** Reasons that are no part of a connection's usual life. */
const unusual: ReadonlySet<CloseReason> = new Set<CloseReason>([
  'probe-failed',
  'reset-failed',
  'died',
  'unanswered',
  'signed-out',
  'endpoint-out',
  'leaving',
  'aborted',
]);

/**
 * The events that the page shows, in words with their reasons. Events of every acquire and query are not among them. What
 * an error of a query says may contain values, so of such errors only the name is shown.
 */
export const wordings: {
  readonly [Name in keyof PoolEvents]?: (event: PoolEvents[Name]) => EventWords;
} = {
  acquireTimedOut: ({ waited }) =>
    warning(`an acquire timed out after ${formatDuration(waited)}`, 'an acquire timed out'),
  acquireRefused: ({ reason }) => warning(`an acquire was refused: ${reason}`),
  acquireFailed: ({ error }) => failure(`an acquire failed: ${reasonOf(error)}`),
  nestedAcquire: () => warning('work that holds a connection waits for another one while all are in use'),
  leaseOverdue: ({ connection, held }) =>
    warning(`${numbered(connection)} has been held for ${formatDuration(held)}`, 'held'),
  leaseIdle: ({ connection, idle }) =>
    warning(`the holder of ${numbered(connection)} has made no call for ${formatDuration(idle)}`, 'idle'),
  leaseExpired: ({ connection, maxHold }) =>
    warning(
      `the lease of ${numbered(connection)} ended: it was held for longer than its maxHold (${formatDuration(maxHold)})`,
    ),
  leaseEnded: ({ connection, held, reason }) =>
    warning(`the lease of ${numbered(connection)} was ended by an operator after ${formatDuration(held)}: ${reason}`),
  leaseReclaimed: ({ connection }) =>
    warning(`${numbered(connection)} was taken back: its lease was dropped without a release`),
  releasedTwice: ({ connection }) => warning(`${numbered(connection)} was released twice`, 'twice'),
  transactionAbandoned: ({ connection }) =>
    warning(`${numbered(connection)} was released with an open transaction; it is cancelled`, 'abandoned'),
  rollbackFailed: ({ connection, error }) =>
    warning(`a transaction on ${numbered(connection)} could not be cancelled (${nameOf(error)})`, 'rollback'),
  agentLimit: ({ agentId, limit, refused }) =>
    warning(
      `agent ${agentId} was refused by its limit ${limit}${refused > 1 ? `, ${plural(refused, 'time', 'times')}` : ''}`,
      `${agentId} ${limit}`,
    ),
  auditLost: ({ rows, error }) => failure(`${plural(rows, 'row', 'rows')} of an audit were lost (${nameOf(error)})`),
  opened: ({ connection, endpoint, duration }) =>
    info(
      `${numbered(connection)} was opened at ${addressInShort(endpoint)} in ${formatDuration(duration)}`,
      `opened at ${endpoint}`,
    ),
  openFailed: ({ endpoint, error, retryIn }) =>
    warning(
      `a connection to ${addressInShort(endpoint)} could not be opened: ${reasonOf(error)}${retryIn === undefined ? '' : `; next attempt in ${formatDuration(retryIn)}`}`,
      `${endpoint} ${reasonOf(error)}`,
    ),
  validationFailed: ({ connection, endpoint }) =>
    warning(`the probe of ${numbered(connection)} at ${addressInShort(endpoint)} failed`, `probe ${endpoint}`),
  resetFailed: ({ connection, error }) =>
    warning(`${numbered(connection)} could not be reset (${nameOf(error)})`, 'reset'),
  changeFailed: ({ connection, error }) =>
    warning(`${numbered(connection)} could not be switched to another identity (${nameOf(error)})`, 'change'),
  healthChanged: ({ healthy }) => (healthy ? info('the pool can serve again') : failure('the pool cannot serve')),
  tokenRenewalFailed: ({ error }) => warning(`a token could not be renewed (${nameOf(error)})`),
  closed: ({ connection, reason, age, uses }) => {
    const text = `${numbered(connection)} was closed: ${closeReasonsInWords[reason]} (age ${formatDuration(age)}, lent ${plural(uses, 'time', 'times')})`;
    return { level: unusual.has(reason) ? 'warning' : 'info', text, same: reason };
  },
  endpointChanged: ({ endpoint, state, before, error }) => {
    const text = `${addressInShort(endpoint)} is ${state}, was ${before}${error === undefined ? '' : `: ${reasonOf(error)}`}`;
    return { level: state === 'well' ? 'info' : 'warning', text };
  },
  endpointAdded: ({ endpoint }) => info(`${addressInShort(endpoint)} was added`),
  endpointRemoved: ({ endpoint }) => info(`${addressInShort(endpoint)} was removed`),
  discoveryStale: ({ error }) => warning(`the servers could not be looked up: ${reasonOf(error)}`),
  circuitChanged: ({ endpoint, state, nextProbeIn }) => {
    const next = nextProbeIn > 0 ? `; next attempt in ${formatDuration(nextProbeIn)}` : '';
    const text = `the circuit breaker of ${addressInShort(endpoint)} is ${state}${next}`;
    const level = state === 'open' ? 'error' : state === 'closed' ? 'info' : 'warning';
    return { level, text, same: `${endpoint} ${state}` };
  },
  paused: () => warning('the pool was paused'),
  resumed: () => info('the pool was resumed'),
  resized: ({ minConnections, maxConnections }) =>
    info(`the pool was resized: ${minConnections} to ${maxConnections} connections`),
  recycledAll: ({ connections }) => info(`all ${plural(connections, 'connection', 'connections')} are being replaced`),
  gap: ({ duration }) => warning(`the process stood still for ${formatDuration(duration)}`),
  operatorActed: ({ action, target, by }) =>
    warning(`${by} asked for ${action}${target === undefined ? '' : ` of ${target}`}`),
  shutdownStarted: ({ leased, waiting }) =>
    warning(
      `the pool is shutting down: ${plural(leased, 'lease', 'leases')}, ${plural(waiting, 'caller', 'callers')} refused`,
    ),
  shutdownFinished: ({ duration, aborted }) =>
    info(`the pool was shut down in ${formatDuration(duration)}; ${plural(aborted, 'lease', 'leases')} aborted`),
};

function info(text: string, same?: string): EventWords {
  return { level: 'info', text, ...(same === undefined ? {} : { same }) };
}

function warning(text: string, same?: string): EventWords {
  return { level: 'warning', text, ...(same === undefined ? {} : { same }) };
}

function failure(text: string): EventWords {
  return { level: 'error', text };
}

function numbered(connection: number): string {
  return `connection #${connection}`;
}

function reasonOf(error: unknown): string {
  return inShort(withoutAddress(messageOf(error)));
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
