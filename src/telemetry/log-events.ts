import type { Logger } from '../logger.js';
import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';

type Level = keyof Logger;

/** What is logged, how loudly, and in which words. What happens at every acquire is not: there are statistics for that. */
const matters: { readonly [Name in keyof PoolEvents]?: readonly [Level, string] } = {
  // The size of the pool
  started: ['info', 'pool started'],
  opening: ['debug', 'opening a connection'],
  opened: ['debug', 'connection opened'],
  closing: ['debug', 'closing a connection'],
  closed: ['debug', 'connection closed'],
  resized: ['info', 'pool resized'],
  recycledAll: ['info', 'recycling all connections'],
  paused: ['info', 'pool paused'],
  resumed: ['info', 'pool resumed'],
  openFailed: ['warn', 'a connection could not be opened'],
  died: ['warn', 'a connection was lost'],

  circuitChanged: ['warn', 'the circuit breaker changed'],

  // Identity
  tokenRenewed: ['debug', 'token renewed'],
  tokenRenewalFailed: ['warn', 'a token could not be renewed'],
  changeFailed: ['warn', 'a connection could not become one of another identity'],

  // Health
  healthChanged: ['warn', 'the health of the pool changed'],
  validated: ['debug', 'connection probed'],
  validationFailed: ['warn', 'a connection failed its probe and is replaced'],
  resetFailed: ['warn', 'a connection could not be reset and is replaced'],
  gap: ['warn', 'the process stood still; idle connections are probed before they are lent'],

  // Limits
  acquireTimedOut: ['warn', 'an acquire timed out'],
  acquireRefused: ['warn', 'an acquire was refused'],
  acquireFailed: ['error', 'an acquire failed: connections cannot be opened'],
  nestedAcquire: ['warn', 'work that holds a connection waits for another one while all are in use'],
  leaseOverdue: ['warn', 'a connection has been held for long'],
  leaseIdle: ['warn', 'a connection is held while nothing is asked of it'],
  leaseReclaimed: ['warn', 'a connection was lost without a release and is taken back'],
  releasedTwice: ['warn', 'a connection was released twice'],
  transactionAbandoned: ['warn', 'a transaction was open when its connection was released and is cancelled'],
  rollbackFailed: ['warn', 'a transaction could not be cancelled; its connection is closed'],

  // Shutdown
  shutdownStarted: ['info', 'shutting down'],
  shutdownFinished: ['info', 'shut down'],
};

/** Writes what the pool tells to a logger, each event once, with its numbers; errors under `err`, as pino wants them. */
export function logEvents(events: Emitter<PoolEvents>, logger: Logger, pool: string): void {
  for (const [name, [level, message]] of Object.entries(matters)) {
    events.subscribe(name as keyof PoolEvents, (event) => {
      const { error, ...details } = event as { error?: unknown };
      logger[level]({ pool, ...details, ...(error === undefined ? {} : { err: error }) }, message);
    });
  }
}
