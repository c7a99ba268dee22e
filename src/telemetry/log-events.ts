import { AcquireError, PoolShutdownError } from '../errors/acquire.js';
import { causes } from '../errors/causes.js';
import { ConnectError } from '../errors/connect.js';
import { CredentialsFailure, CredentialsFunctionFailure } from '../errors/credentials-failure.js';
import { messageOf } from '../errors/error-message.js';
import { isAnswer } from '../errors/server-errors.js';
import type { Logger } from '../logger.js';
import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import type { Clock } from '../time/clock.js';
import { RepeatedLines } from './repeated-lines.js';

type Level = keyof Logger;

/** The level and the message. */
type Wording = readonly [Level, string];

type Wordings = {
  readonly [Name in keyof PoolEvents]?: Wording | ((event: PoolEvents[Name]) => Wording);
};

/** The events that are logged. Events of every acquire are not: the statistics count them. */
const matters: Wordings = {
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
  openFailed: ({ ownIdentity, retryIn, error }) => {
    // A program that is over soon ends while the pool still opens connections: nothing to warn of.
    if (error instanceof PoolShutdownError) return ['debug', 'the pool gave up opening a connection'];
    return ownIdentity || retryIn !== undefined
      ? ['warn', 'a connection could not be opened']
      : ['debug', 'a connection could not be opened as another identity'];
  },
  died: ['warn', 'a connection was lost'],

  // Servers
  circuitChanged: ['warn', 'the circuit breaker changed'],
  endpointChanged: ({ state }) => [state === 'well' ? 'info' : 'warn', 'the state of a server changed'],
  endpointAdded: ['info', 'server added'],
  endpointRemoved: ['info', 'server removed'],
  discoveryStale: ['warn', 'the servers could not be looked up; those known before stay'],

  // Identity
  tokenRenewed: ['debug', 'token renewed'],
  tokenRenewalFailed: ['warn', 'a token could not be renewed'],
  changeFailed: ({ ownIdentity, error }) => [
    ownIdentity || !isOfIdentity(error) ? 'warn' : 'debug',
    'a connection could not be switched to another identity',
  ],

  // Health
  healthChanged: ['warn', 'the health of the pool changed'],
  validated: ['debug', 'connection probed'],
  validationFailed: ['warn', 'a connection failed its probe; the pool replaces it'],
  resetFailed: ['warn', 'a connection could not be reset; the pool replaces it'],
  gap: ['warn', 'the process was suspended or blocked; idle connections are probed before they are lent'],

  // Limits
  acquireTimedOut: ['warn', 'an acquire timed out'],
  acquireRefused: ['warn', 'an acquire was refused'],
  acquireFailed: ({ ownIdentity, error }) => {
    if (ownIdentity) return ['error', 'an acquire failed: connections cannot be opened'];
    // A failing credentials function is a fault of the program; refused credentials are a matter of its users.
    if (hasCause(error, CredentialsFunctionFailure)) {
      return ['warn', 'an acquire as another identity failed: its credentials function failed'];
    }
    return hasCause(error, CredentialsFailure)
      ? ['info', 'an acquire as another identity failed: its token expired, or its user has no rights there']
      : ['info', 'an acquire as another identity failed: the server refused its credentials or its database'];
  },
  nestedAcquire: ['warn', 'work that holds a connection waits for another one while all are in use'],
  leaseOverdue: ['warn', 'a lease has been held for too long'],
  leaseIdle: ['warn', 'a lease is held without calls'],
  leaseExpired: ['warn', 'a lease was held for longer than its maxHold; the pool takes its connection back'],
  leaseEnded: ['warn', 'a lease was ended by an operator'],
  leaseReclaimed: ['warn', 'a lease was dropped without a release; the pool takes its connection back'],
  releasedTwice: ['warn', 'a connection was released twice'],
  transactionAbandoned: ['warn', 'a connection was released with an open transaction; the pool cancels it'],
  rollbackFailed: ['warn', 'a transaction could not be cancelled; its connection is closed'],

  // Agent sessions
  sessionOpened: ['debug', 'agent session opened'],
  sessionClosed: ['debug', 'agent session closed'],
  agentLimit: ['warn', 'an agent session has reached a limit'],
  auditLost: ['error', 'rows of an audit could not be written, and are lost'],

  // Operators
  operatorActed: ['info', 'an operator acted on the pool through the live page'],

  // Shutdown
  shutdownStarted: ['info', 'shutting down'],
  shutdownFinished: ['info', 'shut down'],
};

/**
 * Writes the events of the pool to a logger: each with its numbers, errors under `err`, as pino expects. Failures are
 * written once per reason in ten seconds, with their count; see {@link RepeatedLines}.
 */
export function logEvents(events: Emitter<PoolEvents>, logger: Logger, pool: string, clock: Clock): void {
  const write = (level: Level, details: object, message: string): void => logger[level](details, message);
  const lines = new RepeatedLines(clock, ({ level, details, message }) => write(level, details, message));
  const log = <Name extends keyof PoolEvents>(
    name: Name,
    wording: Wording | ((event: PoolEvents[Name]) => Wording),
  ): void => {
    events.subscribe(name, (event) => {
      const [level, message] = typeof wording === 'function' ? wording(event) : wording;
      const { error, ...rest } = event as { error?: unknown };
      const details = { pool, ...rest, ...(error === undefined ? {} : { err: error }) };
      const isOutageOver = name === 'circuitChanged' && (event as PoolEvents['circuitChanged']).state === 'closed';
      // What was held back comes first, as it happened first.
      if (isOutageOver || name === 'shutdownFinished') lines.flush();
      if (level === 'debug' || (level === 'info' && error === undefined)) write(level, details, message);
      else lines.add(name, level === 'info' ? '' : reasonOf(event), { level, details, message });
      if (isOutageOver) lines.flush();
    });
  };
  for (const name of Object.keys(matters) as (keyof PoolEvents)[]) {
    const wording = matters[name];
    if (wording !== undefined) log(name, wording as Wording | ((event: PoolEvents[typeof name]) => Wording));
  }
}

/** Whether switching the identity failed because of the identity, not because of the connection. */
function isOfIdentity(error: unknown): boolean {
  return (error instanceof ConnectError && error.fatal) || isAnswer(error);
}

function hasCause(error: unknown, kind: typeof CredentialsFailure): boolean {
  for (const cause of causes(error)) if (cause instanceof kind) return true;
  return false;
}

/**
 * The reason by which events of one name are told apart: the server, and what is wrong without its numbers (of connections, waiters,
 * ports).
 */
function reasonOf(event: object): string {
  const { reason, state, healthy, origin, endpoint, error } = event as Record<string, unknown>;
  const told = reason ?? state ?? healthy ?? origin;
  const of = endpoint === undefined ? '' : ` ${String(endpoint)}`;
  if (told !== undefined) return `${String(told)}${of}`;
  // The message of a failed acquire contains present counts, so its reason is taken from the snapshot.
  const text = error instanceof AcquireError ? (error.snapshot.lastOpenError ?? error.code) : messageOf(error);
  return error === undefined ? of : `${text.replace(/[0-9]+/g, '#').slice(0, 200)}${of}`;
}
