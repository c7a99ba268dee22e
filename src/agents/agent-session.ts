import type { Duration } from '../config/duration.js';
import { UsageError } from '../errors/configuration.js';
import type { AcquireOptions, CallRetryOptions } from '../manager/acquire-options.js';
import type { ScopeOptions } from '../manager/scope-options.js';
import { PoolScope, type ScopeParts } from '../pool-scope.js';
import type { PooledConnection } from '../pooled-connection.js';
import type { ConnectionIdentity } from '../session/identity.js';
import type { ResourceLimits } from './limits.js';
import { SessionBounds } from './session-bounds.js';
import type { SessionCore, SessionState } from './session-core.js';
import { SessionLedger } from './session-ledger.js';
import type { LogEntry, SessionLog, TransactionOperation } from './session-log.js';
import { closeOptions, type SessionOptions } from './session-options.js';
import { type SessionStatistics, sessionStatistics } from './session-statistics.js';

/** The options of {@link ConnectionManager.createSession}. */
export type AgentSessionOptions = SessionOptions<AgentSession>;

/** What makes sessions: a `ConnectionManager`. */
export interface SessionMaker {
  createSession(options: AgentSessionOptions): AgentSession;
}

/** The part of the log of a session that a program uses. */
export type AgentLog = Pick<SessionLog, 'record' | 'find' | 'history' | 'export' | 'dropped' | 'size'>;

/** What an {@link AgentSession} is made from. */
export interface AgentSessionParts {
  readonly scope: ScopeParts;
  readonly options: ScopeOptions;
  readonly identity: ConnectionIdentity | undefined;
  readonly core: SessionCore;
}

/**
 * The part of a pool that one agent uses: all methods of a {@link PoolScope} in its own database and as its own user,
 * with limits, guards, a fair share of the connections, statistics and a log. It holds no connection: each call borrows
 * one for its one statement, so an agent that thinks holds nothing.
 *
 * ```ts
 * await using session = pool.createSession({ agentId: 'analyst', limits: { maxOperations: 1_000 } });
 * await session.query('SELECT * FROM person');
 * ```
 */
export class AgentSession extends PoolScope {
  readonly #parts: AgentSessionParts;

  /** @internal */
  constructor(parts: AgentSessionParts) {
    if (parts?.core === undefined) throw newIsNoWay();
    const { scope, options, identity, core } = parts;
    super(scope, options, identity, false, new SessionBounds(core, new SessionLedger(core, false)));
    this.#parts = parts;
  }

  /** A session without limits, in a namespace of its own and the pool's database: `manager.createSession()` by another name. */
  static async create(agentId: string, manager: SessionMaker, namespace: string): Promise<AgentSession> {
    return manager.createSession({ agentId, namespace });
  }

  /** The same with limits. */
  static async createWithLimits(
    agentId: string,
    manager: SessionMaker,
    namespace: string,
    limits: ResourceLimits,
  ): Promise<AgentSession> {
    return manager.createSession({ agentId, namespace, limits });
  }

  get agentId(): string {
    return this.#parts.core.agentId;
  }

  /** The id of the session: a UUID, unique everywhere. */
  get sessionId(): string {
    return this.#parts.core.sessionId;
  }

  /** The namespace of all its calls. */
  get namespace(): string {
    return this.#parts.core.settings.place.namespace;
  }

  /** The database of all its calls. */
  get database(): string {
    return this.#parts.core.settings.place.database;
  }

  /** `closing` from the first call of `close()` on, until what was under way has ended. */
  get state(): SessionState {
    return this.#parts.core.state;
  }

  /**
   * {@link PoolScope.executeWithRetry} by a shorter name.
   * @throws the error of the last attempt
   */
  async execute<T>(
    work: (connection: PooledConnection, attempt: number) => Promise<T> | T,
    options?: AcquireOptions & CallRetryOptions,
  ): Promise<T> {
    return await this.executeWithRetry(work, options);
  }

  /**
   * The same session for calls that may be destructive: with `confirmDestructive` it sends what the session itself
   * refuses. Its other guards and its limits hold.
   *
   * ```ts
   * await session.confirmed().query('DELETE draft');
   * ```
   */
  confirmed(): PoolScope {
    const { scope, options, identity, core } = this.#parts;
    return new PoolScope(scope, options, identity, false, new SessionBounds(core, new SessionLedger(core, true)));
  }

  /**
   * Replaces limits of the session: undefined keeps one, null removes it. What was used stays counted.
   * @throws ConfigurationError for limits that cannot be used; then all stay as they were
   */
  changeLimits(limits: ResourceLimits): void {
    this.#parts.core.changeLimits(limits);
  }

  /** What the session has used so far, its children included. */
  sessionStats(): SessionStatistics {
    return sessionStatistics(this.#parts.core);
  }

  /** Whether a call that came now would be admitted: the session is open, and no limit of it or of a parent is reached. */
  isWithinLimits(): boolean {
    const { state, usage } = this.#parts.core;
    return state === 'open' && usage.isWithin;
  }

  /** What the session did, and what its program records in it. */
  get log(): AgentLog {
    return this.#parts.core.log;
  }

  /**
   * Records something that the agent does, for the log: pending until it is committed or aborted.
   * @returns the number of the entry
   * @throws UsageError for what is no operation
   */
  recordTransaction(operation: TransactionOperation): number {
    return this.log.record(operation).id;
  }

  /**
   * What was recorded under this number is done. No effect on an entry that has fallen out of the log.
   * @throws UsageError for a number under which nothing was recorded, and for an entry that has ended
   */
  commitTransaction(id: number): void {
    this.log.find(id)?.committed();
  }

  /**
   * What was recorded under this number was not done. No effect on an entry that has fallen out of the log.
   * @throws UsageError for a number under which nothing was recorded, and for an entry that has ended
   */
  abortTransaction(id: number, reason?: string): void {
    this.log.find(id)?.aborted(reason);
  }

  /** The entries that the log still has, the oldest first. */
  transactionHistory(): readonly LogEntry[] {
    return this.log.history();
  }

  /**
   * Refuses new calls (`UsageError`), gives calls and leases under way `gracePeriod` to end (default: the pool's
   * `shutdownGracePeriod`; 0: none), then ends them, as a shutdown of the pool does. It closes the session's children
   * too, and writes the rows of the audit that wait. A second call waits for the first.
   * @throws ConfigurationError for an invalid period; then nothing was closed
   */
  async close(options?: { gracePeriod?: Duration }): Promise<void> {
    const gracePeriod = options === undefined ? undefined : closeOptions.read(options).gracePeriod;
    await this.#parts.core.close(gracePeriod === undefined ? undefined : Number(gracePeriod));
  }

  /** `await using session = …` closes the session at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal The core of a session, for one that is to be its child. */
  static coreOf(session: unknown): SessionCore | undefined {
    return typeof session === 'object' && session !== null && #parts in session ? session.#parts.core : undefined;
  }
}

function newIsNoWay(): UsageError {
  return new UsageError(
    "an agent session is not made by new: write `pool.createSession({ agentId: '…' })` or `await AgentSession.create(agentId, pool, namespace)`",
  );
}
