import { asItIs, ClosedOptions, type OptionReader } from '../config/closed-options.js';
import type { Duration } from '../config/duration.js';
import { refused } from '../config/form.js';
import type { IdentityOptions } from '../config/identity-options.js';
import { asDuration, asFlag, asSignal, oneOf } from '../config/option-readers.js';
import { Refusal, show } from '../config/refusal.js';
import type { GuardOptions } from './guards.js';
import type { ResourceLimits } from './limits.js';

/** Whether what a session does is written to a table of its database: see {@link SessionOptions.audit}. */
export type AuditMode = 'off' | 'strict' | 'after';

/** The options of an agent session. `Parent`: the class of sessions. */
export interface SessionOptions<Parent> extends Omit<IdentityOptions, 'namespace' | 'database'>, GuardOptions {
  /** Who uses the session: a name for errors, logs and statistics. Several sessions may have the same. */
  agentId: string;
  /** The namespace of all its calls. Default: that of its parent, or the pool's own. */
  namespace?: string | undefined;
  /** The database of all its calls. Default: that of its parent, or the pool's own. */
  database?: string | undefined;
  /** Aborts the calls and waits of the session. It does not close it. */
  signal?: AbortSignal | undefined;
  /** How long its calls wait for a connection, instead of the pool's `connectionTimeout`; 0 waits for ever. */
  timeout?: Duration | undefined;
  /** Instead of the pool's `queryTimeout`; 0 for none. The limit `queryTimeout` can only shorten it. */
  queryTimeout?: Duration | undefined;
  /** What it may use. Default: no limits. */
  limits?: ResourceLimits | undefined;
  /**
   * Its part of the pool while others wait too, in proportion to the weights of the others: with 2 it may have twice as
   * much time of connections. Default 1; from 0.001 to 1,000. The children of a session share its part.
   */
  weight?: number | undefined;
  /** How many connections it gets before all others while it has fewer. Default 0. */
  reserve?: number | undefined;
  /** The session whose limits and guards hold for this one too, and whose part of the pool it shares. */
  parent?: Parent | undefined;
  /**
   * Whether what it does is written to the table `auditTable` of its database, which the pool defines:
   *
   * - `off` (default, or as its parent): not.
   * - `strict`: in the same transaction as the work. There is a row if and only if the work was committed. A single call
   *   that may write runs in a transaction of its own for that: all its statements are applied, or none. A call that
   *   only reads has no effect that a row could miss: its row is written afterwards.
   * - `after`: afterwards, several rows at a time, also for what failed. A row can be lost: see the event `auditLost`.
   */
  audit?: AuditMode | undefined;
  /** The name of that table. Default `agent_log`. The calls of the session may not name it. */
  auditTable?: string | undefined;
  /** How its log is kept: with `hashChain` each line that it exports holds the hash of the line before. Default: without. */
  log?: { hashChain?: boolean | undefined } | undefined;
}

const asName: OptionReader = (given) =>
  typeof given === 'string' && given !== '' ? given : new Refusal('a text that is not empty', show(given));

/** What a weight divides must stay exact as a number: the fair order compares sums of it. */
const leastWeight = 0.001;
const mostWeight = 1_000;

const asWeight: OptionReader = (given) =>
  typeof given === 'number' && given >= leastWeight && given <= mostWeight
    ? given
    : new Refusal(`a number from ${leastWeight} to ${mostWeight}`, show(given));

const asReserve: OptionReader = (given) =>
  Number.isSafeInteger(given) && Number(given) >= 0 ? given : new Refusal('a whole number, at least 0', show(given));

const asTable: OptionReader = (given) =>
  typeof given === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(given)
    ? given
    : new Refusal('the name of a table: letters, digits and underscores', show(given));

const asFunction: OptionReader = (given) =>
  typeof given === 'function' ? given : new Refusal('a function', show(given));

const hints = new Map([
  ['agent', 'agentId (did you mean that?)'],
  ['id', 'agentId (did you mean that?)'],
  ['name', 'agentId (did you mean that?)'],
  ['db', 'database (did you mean that?)'],
  ['ns', 'namespace (did you mean that?)'],
  ['maxConnections', 'limits: { maxConnections } (did you mean that?)'],
  ['maxOperations', 'limits: { maxOperations } (did you mean that?)'],
]);

const logOptions = new ClosedOptions<NonNullable<SessionOptions<object>['log']>>(
  'The options of the log of a session',
  { hashChain: asFlag },
  undefined,
  'log.',
);

const sessionOptions = new ClosedOptions<SessionOptions<object>>(
  'The options of createSession()',
  {
    agentId: asName,
    namespace: asName,
    database: asName,
    credentials: asItIs,
    credentialsKey: asItIs,
    variables: asItIs,
    signal: asSignal,
    timeout: asDuration,
    queryTimeout: asDuration,
    limits: asItIs,
    weight: asWeight,
    reserve: asReserve,
    parent: asItIs,
    access: oneOf('read', 'write'),
    confirmDestructive: asFlag,
    guard: asFunction,
    audit: oneOf('off', 'strict', 'after'),
    auditTable: asTable,
    log: (given) => logOptions.read(given),
  },
  hints,
);

/** @throws ConfigurationError */
export function readSessionOptions(given: unknown): SessionOptions<object> {
  const options = sessionOptions.read(given);
  if (options.agentId !== undefined) return options;
  throw refused('The options of createSession()', [
    { path: 'agentId', given: 'nothing', allowed: 'a text that is not empty: the name of the agent' },
  ]);
}

interface CloseOptions {
  gracePeriod?: Duration | undefined;
}

export const closeOptions: ClosedOptions<CloseOptions> = new ClosedOptions<CloseOptions>('The options of close()', {
  gracePeriod: asDuration,
});
