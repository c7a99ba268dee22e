import type { DatabaseName } from '../config/database-name.js';
import type { AgentLimitError } from '../errors/agent.js';
import { UsageError } from '../errors/configuration.js';
import type { ScopeOptions } from '../manager/scope-options.js';
import { PoolScope, type ScopeParts } from '../pool-scope.js';
import { systemClock } from '../time/clock.js';
import { AgentSession, type AgentSessionOptions } from './agent-session.js';
import { Audit } from './audit.js';
import { fairnessOf, greediest, mostRefused } from './fairness.js';
import { LimitReports } from './limit-reports.js';
import { SessionCore, type SessionHome } from './session-core.js';
import { readSessionOptions, type SessionOptions } from './session-options.js';
import { type SessionStatistics, type SessionTotals, sessionStatistics, totalsOf } from './session-statistics.js';
import { Usage } from './usage.js';

/** All sessions of a pool together. Times are in milliseconds. */
export interface SessionsStatistics {
  /** Sessions that are not closed, and how many were created in all. */
  readonly open: number;
  readonly created: number;
  /** What all sessions have used, the closed ones included. What a child uses counts once. */
  readonly totals: SessionTotals;
  /** The open session without parent that had most time of connections for its weight; undefined when none had any. */
  readonly greediest: SessionStatistics | undefined;
  /** The open session that was refused most often by a limit; undefined when none was. */
  readonly mostRefused: SessionStatistics | undefined;
  /**
   * Jain's index of the time of connections that open sessions without parent had, by their weights: 1 when all had the
   * same, 1 / n when one of n had everything. Sessions that want little lower it too.
   */
  readonly fairness: number;
  /** How often sessions were refused by a limit, by limit, the closed ones included. */
  readonly refused: SessionStatistics['refused'];
  /** Rows of audits that could not be written. */
  readonly auditLost: number;
  /** Every open session. */
  readonly sessions: readonly SessionStatistics[];
}

/** The sessions of one pool. */
export class Sessions {
  readonly #parts: ScopeParts;
  readonly #home: SessionHome;
  readonly #audit: Audit;
  readonly #open = new Set<SessionCore>();
  readonly #reports: LimitReports;
  #created = 0;
  readonly #usage = new Usage({ agentId: '', sessionId: '' }, undefined, undefined, systemClock);
  #toldOfReading = false;

  constructor(parts: ScopeParts) {
    const { config, pool, transactions, borrowing, extraConnections, factory } = parts;
    const { events } = pool;
    this.#parts = parts;
    this.#reports = new LimitReports(systemClock, events);
    this.#audit = new Audit({
      clock: systemClock,
      define: (database, text) =>
        extraConnections.run(database, async (connection) => await connection.query<unknown[]>(text)),
      write: async (database, text, bindings) => {
        // During a shutdown the pool lends nothing any more.
        if (pool.state === 'draining' || pool.state === 'closed') {
          await extraConnections.run(database, async (connection) => void (await connection.query(text, bindings)));
        } else {
          await new PoolScope(parts, database, factory.identities.of(database)).query(text, bindings);
        }
      },
      onLost: (rows, error) => {
        if (events.has('auditLost')) events.emit('auditLost', { rows, error });
      },
    });
    this.#home = {
      ...{ pool, transactions, borrowing, audit: this.#audit, gracePeriod: config.pool.shutdownGracePeriod },
      usage: this.#usage,
      violated: (error: AgentLimitError) => this.#reports.add(error),
      closed: (core) => this.#forget(core),
    };
  }

  /** @throws ConfigurationError, UsageError */
  create(given: AgentSessionOptions): AgentSession {
    const options = readSessionOptions(given);
    const { agentId, limits, weight = 1, reserve = 0, access, confirmDestructive, guard, log } = options;
    const parent = this.#parentOf(options.parent);
    const place = this.#placeOf(options, parent);
    const scope = this.#scopeOf(options, place, parent);
    const { borrowing, rules, pool } = this.#parts;
    if (pool.state === 'draining' || pool.state === 'closed') {
      throw new UsageError('the pool is shut down, and has no sessions any more');
    }
    if (parent === undefined && reserve > 0) this.#refuseReserve(reserve);
    // Everything that can be refused is refused before the session is counted.
    const identity = borrowing.identityOf(scope);
    rules.limits(scope);
    const core = new SessionCore(this.#home, {
      ...{ agentId, place, parent, limits, weight, reserve },
      audit: options.audit ?? parent?.settings.audit ?? 'off',
      auditTable: options.auditTable ?? parent?.settings.auditTable ?? 'agent_log',
      hashChain: log?.hashChain === true,
      guards: { access, confirmDestructive, guard },
      options: scope,
    });
    if (access === 'read' && options.credentials === undefined) this.#tellOfReading();
    const session = new AgentSession({ scope: this.#parts, options: scope, identity, core });
    this.#open.add(core);
    this.#created++;
    const { events } = pool;
    if (events.has('sessionOpened')) {
      events.emit('sessionOpened', { agentId, sessionId: core.sessionId, ...place });
    }
    return session;
  }

  statistics(): SessionsStatistics {
    const sessions = [...this.#open].map(sessionStatistics);
    const roots = sessions.filter(({ parentId }) => parentId === undefined);
    return {
      ...{ open: sessions.length, created: this.#created, sessions },
      totals: totalsOf(this.#usage.counters),
      refused: this.#usage.counters.refused,
      greediest: greediest(roots),
      mostRefused: mostRefused(sessions),
      fairness: fairnessOf(roots),
      auditLost: this.#audit.lost,
    };
  }

  /** Closes all sessions. */
  async end(gracePeriod: number): Promise<void> {
    await Promise.all([...this.#open].map((core) => core.close(gracePeriod)));
  }

  /** Writes the rows of audits that wait. */
  async flush(): Promise<void> {
    await this.#audit.flush();
  }

  /** What is reserved in all is there: more could not be kept. */
  #refuseReserve(reserve: number): void {
    const { maxConnections } = this.#parts.pool.snapshot();
    let reserved = 0;
    for (const { settings } of this.#open) if (settings.parent === undefined) reserved += settings.reserve;
    if (reserved + reserve <= maxConnections) return;
    throw new UsageError(
      `reserve: ${reserve} connections are asked for, and ${reserved} of the ${maxConnections} of the pool are reserved already: ask for fewer, or raise maxConnections`,
    );
  }

  #parentOf(parent: unknown): SessionCore | undefined {
    if (parent === undefined) return undefined;
    const core = AgentSession.coreOf(parent);
    if (core === undefined || !this.#open.has(core)) {
      throw new UsageError('the parent of a session is to be an open AgentSession of the same pool');
    }
    core.refuseNew();
    return core;
  }

  #placeOf(
    { namespace, database }: { namespace?: string | undefined; database?: string | undefined },
    parent: SessionCore | undefined,
  ): DatabaseName {
    const home = parent?.settings.place ?? this.#parts.factory.identities.home;
    return { namespace: namespace ?? home.namespace, database: database ?? home.database };
  }

  /** The options of the scope of a session: its own, and those that it has from its parent. */
  #scopeOf(options: SessionOptions<object>, place: DatabaseName, parent: SessionCore | undefined): ScopeOptions {
    const scope: ScopeOptions = { ...place };
    const inherited = parent?.settings.options ?? {};
    for (const name of ['signal', 'timeout', 'queryTimeout', 'variables', 'credentials', 'credentialsKey'] as const) {
      const value = options[name] ?? inherited[name];
      const isOfOther = name === 'credentialsKey' && options.credentials !== undefined;
      const chosen = isOfOther ? options[name] : value;
      if (chosen !== undefined) Object.assign(scope, { [name]: chosen });
    }
    if (options.credentials === null) scope.credentials = null;
    return scope;
  }

  #forget(core: SessionCore): void {
    this.#open.delete(core);
    this.#reports.forget(core.sessionId);
    const { agentId, sessionId } = core;
    const { operations, busyTime } = core.usage.counters;
    const { events } = this.#parts.pool;
    if (events.has('sessionClosed')) events.emit('sessionClosed', { agentId, sessionId, operations, busyTime });
  }

  #tellOfReading(): void {
    if (this.#toldOfReading) return;
    this.#toldOfReading = true;
    process.emitWarning(
      "access: 'read' without credentials of its own is a guard and not a border: the session's statements are read before they are sent, and functions of the database are not; give the session the credentials of a user with the role VIEWER",
      { type: 'SurrealPoolWarning', code: 'SURREAL_POOL_READ_GUARD' },
    );
  }
}
