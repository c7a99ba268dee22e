import { randomUUID } from 'node:crypto';
import type { Call } from '../calls/call.js';
import { LeaseChannel } from '../calls/lease-channel.js';
import type { DatabaseName } from '../config/database-name.js';
import { QueueFullError } from '../errors/acquire.js';
import type { AgentLimitError } from '../errors/agent.js';
import { UsageError } from '../errors/configuration.js';
import type { Lend } from '../manager/borrowing.js';
import { endLease } from '../manager/end-lease.js';
import type { ScopeOptions } from '../manager/scope-options.js';
import type { Lease } from '../pool/lease.js';
import type { Pool } from '../pool/pool.js';
import type { Tenant, TenantLimits } from '../pool/tenant.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionIdentity } from '../session/identity.js';
import { systemClock } from '../time/clock.js';
import { patientTimer } from '../time/patient-timer.js';
import { LeaseRoute } from '../transactions/lease-route.js';
import type { Transactions } from '../transactions/transactions.js';
import type { Answer } from '../wire/answer.js';
import { EncodedBindings } from '../wire/recording-codec.js';
import type { Audit } from './audit.js';
import { auditRow } from './audit-row.js';
import { type GuardOptions, Guards } from './guards.js';
import { type HoldingSession, HoldWatch } from './hold-watch.js';
import { refusalOf } from './refused-calls.js';
import type { BoundingSession } from './session-bounds.js';
import type { Ended } from './session-keeper.js';
import { HeldLeases, type LeaseKeeper, SingleCalls, type Wish } from './session-leases.js';
import type { LedgerKeeper } from './session-ledger.js';
import { SessionLog } from './session-log.js';
import type { AuditMode } from './session-options.js';
import { SingleTransaction } from './session-transaction.js';
import { Usage } from './usage.js';

/** What the sessions of one pool share. */
export interface SessionHome {
  readonly pool: Pool<Connection, ConnectionIdentity>;
  readonly transactions: Transactions;
  readonly borrowing: Lend;
  readonly audit: Audit;
  /** What all its sessions have used: it counts for those that are closed too, as what was under way ends. */
  readonly usage: Usage;
  /** How long `close()` waits by default, in milliseconds. */
  readonly gracePeriod: number;
  /** A session was refused by a limit. */
  readonly violated: (error: AgentLimitError) => void;
  /** A session has ended. */
  closed(core: SessionCore): void;
}

/** What a session was made with. */
export interface SessionSettings {
  readonly agentId: string;
  readonly place: DatabaseName;
  readonly parent: SessionCore | undefined;
  readonly limits: unknown;
  readonly weight: number;
  readonly reserve: number;
  readonly audit: AuditMode;
  readonly auditTable: string;
  readonly hashChain: boolean;
  readonly guards: GuardOptions;
  /** The options of its scope, which its children inherit. */
  readonly options: ScopeOptions;
}

export type SessionState = 'open' | 'closing' | 'closed';

/**
 * The parts of a session, and what its calls are asked and told: limits and counters ({@link Usage}), guards, log,
 * audit, its part of the pool ({@link Tenant}), and what is under way, which its end waits for. What an idle session
 * does not need is made when it is first needed.
 *
 *     open ── close() ──▶ closing ── nothing is under way, or the grace period is over ──▶ closed
 */
export class SessionCore implements LedgerKeeper, LeaseKeeper, BoundingSession, HoldingSession {
  readonly settings: SessionSettings;
  readonly usage: Usage;
  /** Its own guards and those of its parents, in the order in which they are asked. */
  readonly guardsInForce: readonly Guards[];
  readonly singleCalls: SingleCalls = new SingleCalls(this);
  readonly #home: SessionHome;
  #sessionId: string | undefined;
  #state: SessionState = 'open';
  #log: SessionLog | undefined;
  #tenant: Tenant | undefined;
  #children: Set<SessionCore> | undefined;
  #refusedByGuards = 0;
  // What is under way.
  #underWay = 0;
  #leases: HeldLeases | undefined;
  #ending: AbortController | undefined;
  #joined: { readonly signal: AbortSignal; readonly either: AbortSignal } | undefined;
  #holdWatch: HoldWatch | undefined;
  #onQuiet: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(home: SessionHome, settings: SessionSettings) {
    this.#home = home;
    this.settings = settings;
    this.guardsInForce = guardsInForce(Guards.of(settings.guards, this), settings.parent?.guardsInForce);
    const { parent, limits } = settings;
    // The session itself is the owner: it has the names.
    this.usage = new Usage(this, limits, parent?.usage ?? home.usage, systemClock, home.violated);
    if (parent !== undefined) parent.#adopt(this);
  }

  get leases(): HeldLeases {
    this.#leases ??= new HeldLeases(this);
    return this.#leases;
  }

  get agentId(): string {
    return this.settings.agentId;
  }

  get sessionId(): string {
    // Made when it is first asked for, and in one piece: as Node puts it together it takes some 400 bytes.
    this.#sessionId ??= Buffer.from(randomUUID(), 'latin1').toString('latin1');
    return this.#sessionId;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get state(): SessionState {
    return this.#state;
  }

  get log(): SessionLog {
    this.#log ??= new SessionLog(this.usage.limits.maxLog, this.settings.hashChain, (what) =>
      this.usage.countRecorded(what),
    );
    return this.#log;
  }

  /** How many entries its log has dropped. */
  get logDropped(): number {
    return this.#log?.dropped ?? 0;
  }

  /** Its part of the pool; undefined before it has borrowed a connection. */
  get tenant(): Tenant | undefined {
    return this.#tenant;
  }

  /** How many calls its guards have refused. */
  get refusedByGuards(): number {
    return this.#refusedByGuards;
  }

  /** @throws ConfigurationError */
  changeLimits(limits: unknown): void {
    this.usage.change(limits);
    if (this.#log !== undefined) this.#log.resize(this.usage.limits.maxLog);
    if (this.#tenant !== undefined) this.#home.pool.changeTenant(this.#tenant, this.#tenantLimits());
    this.#watchHoldAnew();
  }

  /** The limit `maxHold` of this session or of a parent may be another one. */
  #watchHoldAnew(): void {
    this.#holdWatch?.look();
    for (const child of this.#children ?? []) child.#watchHoldAnew();
  }

  // Its leases.

  /** Borrows a connection with the session's part of the pool. */
  borrow(options: Wish[0], identity: Wish[1], details: Wish[2]): Promise<Lease<Connection>> {
    const { origin, fresh, shared } = details;
    if (this.#state === 'closed') this.refuseNew();
    const tenant = this.#borrower();
    const signal = this.signalWith(options.signal);
    return this.#home.borrowing.lease(options, identity, { origin, fresh, shared, tenant, signal });
  }

  /** The error for a caller who got no connection. */
  notLent(error: unknown): unknown {
    this.over();
    return this.#waitingRefused(error) ?? error;
  }

  /** A connection was lent. */
  holds(): void {
    this.#holdWatch ??= new HoldWatch(this, this.#home.pool);
    this.#holdWatch.lent();
  }

  /** A connection has worked for the session until now. @returns for how long, in milliseconds */
  worked(lease: Lease<unknown>, now: number): number {
    const held = now - lease.since;
    this.usage.addTime(held * lease.portion);
    this.over();
    return held;
  }

  holdsNone(): void {
    if (this.#underWay > 0) return;
    // An idle session keeps nothing that its next call can make.
    this.#ending = undefined;
    this.#joined = undefined;
  }

  // The limits of calls.

  get queryTimeout(): number {
    return this.usage.queryTimeout;
  }

  signalWith(signal: AbortSignal | undefined): AbortSignal {
    this.#ending ??= new AbortController();
    const ending = this.#ending.signal;
    if (signal === undefined) return ending;
    if (this.#joined?.signal !== signal) this.#joined = { signal, either: AbortSignal.any([signal, ending]) };
    return this.#joined.either;
  }

  // The calls.

  get auditTable(): string | undefined {
    return this.settings.audit === 'off' ? undefined : this.settings.auditTable;
  }

  get isStrict(): boolean {
    return this.settings.audit === 'strict';
  }

  get judgesValues(): boolean {
    return this.auditTable !== undefined || this.guardsInForce.length > 0;
  }

  guard(call: Call, confirmed: boolean): Promise<void> | undefined {
    const { bindings } = call.details;
    if (this.guardsInForce.length === 0 || bindings instanceof EncodedBindings) return undefined;
    const guarded = { surrealText: call.surrealText, bindings };
    const ask = (guards: Guards): Promise<void> | undefined =>
      guards.check(guarded, { confirmed, signal: this.signalWith(undefined) });
    let asking: Promise<void> | undefined;
    try {
      for (const guards of this.guardsInForce) {
        asking = asking === undefined ? ask(guards) : asking.then(() => ask(guards));
      }
    } catch (error) {
      throw this.#countedRefusal(error);
    }
    return asking?.catch((error: unknown) => {
      throw this.#countedRefusal(error);
    });
  }

  #countedRefusal<E>(error: E): E {
    this.#refusedByGuards++;
    return error;
  }

  /** Sends a call in a transaction of its own, in which the row of the audit is written too. */
  async sendAudited(call: Call, channel: unknown): Promise<Answer> {
    if (!(channel instanceof LeaseChannel)) throw new TypeError('not the channel of a lease');
    return await this.#home.transactions.send(new LeaseRoute(channel), call, new SingleTransaction(this));
  }

  note(ended: Ended): void {
    const { kind, at, duration, texts, outcome, reason } = ended;
    this.log.add({ kind, at, duration, texts, outcome, ...(reason === undefined ? {} : { reason }) });
    const { auditTable: table } = this;
    if (table === undefined || ended.audited || texts.length === 0) return;
    const { agentId, sessionId } = this;
    this.#home.audit.add(this.settings.place, table, auditRow({ ...ended, table, agentId, sessionId }));
  }

  prepareAudit(): Promise<void> | undefined {
    const { place, auditTable } = this.settings;
    return this.#home.audit.prepare(place, auditTable);
  }

  /** @throws UsageError once `close()` was called */
  refuseNew(): void {
    if (this.#state === 'open') return;
    throw new UsageError(
      `the session of agent ${JSON.stringify(this.agentId)} is ${this.#state === 'closed' ? 'closed' : 'being closed'}: create another one`,
    );
  }

  refuse(call: Call, isNew: boolean): void {
    if (isNew || this.#state === 'closed') this.refuseNew();
    const refusal = refusalOf(call, this);
    if (refusal !== undefined) throw this.#countedRefusal(refusal);
  }

  // The end.

  began(): void {
    this.#underWay++;
  }

  over(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#onQuiet?.();
  }

  /**
   * Refuses new calls, waits for what is under way, then ends the rest. A second call waits for the first.
   * @param gracePeriod in milliseconds
   */
  close(gracePeriod: number = this.#home.gracePeriod): Promise<void> {
    this.#closing ??= this.#close(gracePeriod);
    return this.#closing;
  }

  async #close(gracePeriod: number): Promise<void> {
    this.#state = 'closing';
    const children = [...(this.#children ?? [])].map((child) => child.close(gracePeriod));
    if (this.#underWay > 0 && gracePeriod > 0) await this.#quietWithin(gracePeriod);
    this.#state = 'closed';
    this.#holdWatch?.end();
    this.#end();
    await Promise.all(children);
    const { parent } = this.settings;
    if (parent !== undefined) parent.#children?.delete(this);
    this.#home.closed(this);
    if (this.auditTable !== undefined) await this.#home.audit.flush();
  }

  async #quietWithin(gracePeriod: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = patientTimer(systemClock, gracePeriod, true, resolve);
      this.#onQuiet = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#onQuiet = undefined;
  }

  /** Aborts the calls under way and ends the leases. */
  #end(): void {
    if (this.#underWay === 0) return;
    const reason = new UsageError(`the session of agent ${JSON.stringify(this.agentId)} was closed`);
    this.#ending?.abort(reason);
    for (const lease of this.#home.pool.leasesOf(this.leases)) {
      endLease(lease, `the lease of connection ${lease.id} has ended: ${reason.message}, and its grace period is over`);
    }
  }

  // Parents and the pool.

  #adopt(child: SessionCore): void {
    this.refuseNew();
    this.#children ??= new Set();
    this.#children.add(child);
  }

  *#chain(): Iterable<SessionCore> {
    for (let core: SessionCore | undefined = this; core !== undefined; core = core.settings.parent) yield core;
  }

  #borrower(): Tenant {
    if (this.#tenant === undefined) {
      const { parent } = this.settings;
      const above = parent === undefined ? undefined : parent.#borrower();
      this.#tenant = this.#home.pool.addTenant(this.agentId, this.#tenantLimits(), above);
    }
    return this.#tenant;
  }

  #tenantLimits(): TenantLimits {
    const { weight, reserve } = this.settings;
    const { maxConnections, refusesAtMaxConnections, maxWaiting } = this.usage.limits;
    // Where the session refuses, it does so before it asks the pool.
    const cap = refusesAtMaxConnections ? Number.POSITIVE_INFINITY : maxConnections;
    return { weight, reserve, maxConnections: cap, maxWaiting };
  }

  /** The error for a caller whom the pool refused because too many of a session wait already. */
  #waitingRefused(error: unknown): AgentLimitError | undefined {
    const full = QueueFullError.tenantOf(error);
    if (full === undefined) return undefined;
    for (const { usage, tenant } of this.#chain()) {
      // By now some may wait no longer.
      if (tenant === full) return this.usage.refuseWaiting(usage, Math.max(tenant.waiting, usage.limits.maxWaiting));
    }
    return undefined;
  }
}

const noGuards: readonly Guards[] = [];

function guardsInForce(own: Guards | undefined, above: readonly Guards[] = noGuards): readonly Guards[] {
  return own === undefined ? above : [own, ...above];
}
