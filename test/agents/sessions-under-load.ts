import { setTimeout as sleep } from 'node:timers/promises';
import { RecordId } from 'surrealdb';
import { outcomeOf } from '../../src/errors/outcome.js';
import { isConflict } from '../../src/errors/server-errors.js';
import {
  AcquireAbortedError,
  AcquireTimeoutError,
  AgentLimitError,
  type AgentSession,
  CallAbortedError,
  type CallOutcome,
  CommitOutcomeUnknownError,
  type ConnectionManager,
  type ResourceLimits,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionLostError,
} from '../../src/index.js';
import { between, oneOf, type Random } from '../support/seeded-random.js';

/** The table of which each operation writes one row. */
export const rowTable = 'operation';

/** One operation of the user's code. */
interface Operation {
  readonly id: number;
  outcome: 'answered' | CallOutcome;
  /** Whether its row is stored: perhaps, when the answer to it or to its commit was lost. */
  row: 'stored' | 'absent' | 'perhaps';
}

/** The limits that a session may have here. */
type ChosenLimits = {
  -readonly [Name in keyof ResourceLimits]?: NonNullable<ResourceLimits[Name]>;
};

/** One session, and the test's own count of what it was let do. */
export class Caller {
  readonly session: AgentSession;
  readonly parent: Caller | undefined;
  readonly limits: ChosenLimits;
  readonly operations: Operation[] = [];
  readonly children: Caller[] = [];
  readonly unsettled = new Set<string>();
  /** Refusals that its own calls got, by whose limit ever: by `maxWaiting`, and by all others. */
  refusedToWait = 0;
  refused = 0;
  /** Refusals of its own calls, or those of its children, by its own limit `maxOperations`. */
  refusedByOperations = 0;
  /** Operations that were let through and never sent. */
  givenBack = 0;
  /** Transactions whose work ran, and those that failed before it did. */
  transactions = 0;
  unbegun = 0;
  committed = 0;
  /** Leases that callers of it and its children hold now. */
  held = 0;

  constructor(session: AgentSession, limits: ChosenLimits, parent: Caller | undefined) {
    this.session = session;
    this.limits = limits;
    this.parent = parent;
    parent?.children.push(this);
  }

  /** It and all above it. */
  *chain(): Iterable<Caller> {
    for (let caller: Caller | undefined = this; caller !== undefined; caller = caller.parent) yield caller;
  }

  /** The sum of a number over it and all below it. */
  sum(number: (caller: Caller) => number): number {
    return this.children.reduce((sum, child) => sum + child.sum(number), number(this));
  }

  /** How many of its own operations count. */
  get counted(): number {
    return this.operations.filter(({ outcome }) => outcome !== 'not-sent').length;
  }
}

const noLimits = { maxOperations: Number.POSITIVE_INFINITY, maxTransactions: Number.POSITIVE_INFINITY };

/** The user's own error, which rolls a transaction back. */
class Deliberate extends Error {}

export interface Play {
  readonly pool: ConnectionManager;
  readonly sessions: number;
  readonly callsOfEach: number;
  readonly random: Random;
}

/** What calls that are aborted under way may end with. */
const aborts = [CallAbortedError, TransactionAbortedError, TransactionLostError, CommitOutcomeUnknownError];

type Send = (text: string, bindings: Record<string, unknown>) => PromiseLike<unknown>;
type Queryable = Pick<AgentSession, 'query'>;

const write = `CREATE $id SET session = $who RETURN NONE`;
/** All of them write one record too, in one statement: the server refuses some, of which nothing is applied then. */
const contend = 'CREATE $id SET session = $who, n = (UPSERT hot:one SET n += 1 RETURN VALUE n)[0] RETURN NONE';

/** Of a lost transaction nothing is applied, so its error says "not sent" also of a call that was; its cause does not. */
function sentError(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof CallAbortedError ? error.cause : error;
}

/** Random calls of many sessions at once, and what became of them. */
export class SessionsUnderLoad {
  readonly callers: Caller[] = [];
  /** What was against the rules. */
  readonly violations: string[] = [];
  /** How often these happened, so that a test can show that they did. */
  readonly happened = { answered: 0, refused: 0, timedOut: 0, abortedWaiting: 0, aborted: 0, conflicts: 0, undone: 0 };
  readonly #play: Play;
  readonly #began = performance.now();
  readonly #known = new WeakSet<object>();
  #lastId = 0;

  readonly #ways: readonly [
    [string, (caller: Caller) => Promise<void>],
    ...[string, (caller: Caller) => Promise<void>][],
  ] = [
    ['query', (caller) => this.#single(caller, caller.session)],
    ['builder', (caller) => this.#builder(caller)],
    ['contending query', (caller) => this.#single(caller, caller.session, contend)],
    ['aborted query', (caller) => this.#single(caller, caller.session.scope({ signal: this.#soonAborted() }))],
    ['acquire', (caller) => this.#lease(caller, {})],
    ['acquire that times out', (caller) => this.#lease(caller, { timeout: between(this.#play.random, 1, 3) })],
    ['aborted acquire', (caller) => this.#lease(caller, { signal: this.#soonAborted() })],
    ['withConnection', (caller) => this.#withConnection(caller)],
    ['execute', (caller) => this.#execute(caller)],
    ['transaction', (caller) => this.#transaction(caller, {})],
    ['aborted transaction', (caller) => this.#transaction(caller, { signal: this.#soonAborted() })],
  ];

  constructor(play: Play) {
    this.#play = play;
    for (let index = 0; index < play.sessions; index++) this.callers.push(this.#newCaller(index));
  }

  /** Every session makes its calls, some at once. Resolves when each of them has come to an end. */
  async run(): Promise<void> {
    await Promise.all(this.callers.map((caller) => this.#callsOf(caller)));
  }

  /** What has come to no end yet. */
  get unsettled(): string[] {
    return this.callers.flatMap(({ session, unsettled }) =>
      [...unsettled].map((what) => `${session.agentId}: ${what}`),
    );
  }

  #newCaller(index: number): Caller {
    const { pool, random } = this.#play;
    const limits: ChosenLimits = {};
    if (random() < 0.3) {
      limits.maxConnections = between(random, 1, 3);
      limits.atMaxConnections = oneOf(random, ['wait', 'refuse']);
    }
    if (random() < 0.2) limits.maxWaiting = between(random, 0, 3);
    if (random() < 0.4) limits.maxOperations = between(random, 1, 10);
    if (random() < 0.2) limits.maxTransactions = between(random, 0, 2);
    if (random() < 0.1) {
      limits.operationsPerSecond = between(random, 1, 20);
      limits.burst = between(random, 1, 5);
    }
    const parent = random() < 0.25 ? this.callers[Math.floor(random() * index)] : undefined;
    const session = pool.createSession({
      ...{ agentId: `agent ${index}`, limits, parent: parent?.session },
      weight: oneOf(random, [0.5, 1, 1, 2]),
      // All together no more than there are connections.
      reserve: index % 100 === 7 ? 1 : 0,
      // They wait as long as it takes: a slow machine must not end calls.
      timeout: 0,
    });
    return new Caller(session, limits, parent);
  }

  async #callsOf(caller: Caller): Promise<void> {
    const { callsOfEach, random } = this.#play;
    let left = callsOfEach;
    const oneAfterTheOther = async (): Promise<void> => {
      while (left > 0) {
        left--;
        const [name, call] = oneOf(random, this.#ways);
        await this.#settled(caller, name, call);
      }
    };
    await Promise.all(Array.from({ length: between(random, 1, 3) }, oneAfterTheOther));
  }

  async #settled(caller: Caller, name: string, call: (caller: Caller) => Promise<void>): Promise<void> {
    const what = `${name} ${++this.#lastId}`;
    caller.unsettled.add(what);
    try {
      await call(caller);
    } catch (error) {
      this.#noted(caller, error);
    }
    caller.unsettled.delete(what);
  }

  /** Counts why a call failed, once for each error: the same may pass several calls. */
  #noted(caller: Caller, error: unknown): void {
    if (this.#known.has(Object(error))) return;
    this.#known.add(Object(error));
    if (error instanceof AgentLimitError) this.#refused(caller, error);
    else if (error instanceof AcquireTimeoutError) this.happened.timedOut++;
    else if (error instanceof AcquireAbortedError) this.happened.abortedWaiting++;
    else if (aborts.some((kind) => error instanceof kind)) this.happened.aborted++;
    else if (error instanceof TransactionConflictError || isConflict(error)) this.happened.conflicts++;
    else if (error instanceof Deliberate) this.happened.undone++;
    else this.violations.push(`${caller.session.agentId} got ${String(error)}`);
  }

  #refused(caller: Caller, error: AgentLimitError): void {
    this.happened.refused++;
    if (error.limit === 'maxWaiting') caller.refusedToWait++;
    else caller.refused++;
    const { agentId, limit, limitOf, max, value } = error;
    if (agentId !== caller.session.agentId) this.violations.push(`${agentId} was refused for another`);
    const owner = [...caller.chain()].find(({ session }) => session.agentId === limitOf);
    if (owner === undefined) this.violations.push(`${agentId} was refused by a stranger's limit`);
    if (limit === 'maxOperations' && owner !== undefined) owner.refusedByOperations++;
    if (limit !== 'operationsPerSecond' && value < max) this.violations.push(`${agentId}: ${error.message}`);
  }

  #soonAborted(): AbortSignal {
    const controller = new AbortController();
    const { random } = this.#play;
    const delay = between(random, 0, 20);
    if (random() < 0.1) controller.abort(new Deliberate('at once'));
    else setTimeout(() => controller.abort(new Deliberate('later')), delay);
    return controller.signal;
  }

  /** Makes one operation, and keeps what became of it. */
  async #operate(caller: Caller, send: Send, text = write): Promise<Operation> {
    const id = ++this.#lastId;
    const operation: Operation = { id, outcome: 'answered', row: 'stored' };
    try {
      await send(text, { id: new RecordId(rowTable, id), who: caller.session.agentId });
      this.happened.answered++;
    } catch (error) {
      const outcome = outcomeOf(sentError(error));
      operation.outcome = outcome;
      operation.row = outcome === 'unknown' ? 'perhaps' : 'absent';
      const wasLetThrough = !(error instanceof AgentLimitError) || error.limit === 'maxWaiting';
      if (outcome === 'not-sent' && wasLetThrough) caller.givenBack++;
      this.#noted(caller, error);
      throw error;
    } finally {
      caller.operations.push(operation);
    }
    return operation;
  }

  async #single(caller: Caller, scope: Queryable, text = write): Promise<void> {
    await this.#operate(caller, (...query) => scope.query(...query), text);
  }

  async #builder(caller: Caller): Promise<void> {
    await this.#operate(caller, (_, { id, who }) =>
      caller.session
        .create(id as RecordId)
        .content({ session: who })
        .output('none'),
    );
  }

  async #lease(caller: Caller, options: { timeout?: number; signal?: AbortSignal }): Promise<void> {
    const connection = await caller.session.acquire(options);
    await this.#holding(caller, async () => {
      await this.#use(caller, connection);
    }).finally(() => connection.release());
  }

  async #withConnection(caller: Caller): Promise<void> {
    await caller.session.withConnection((connection) => this.#holding(caller, () => this.#use(caller, connection)));
  }

  async #execute(caller: Caller): Promise<void> {
    // The pool would repeat an acquire that a limit refused, and the test would not see that it was refused.
    const limits = [...caller.chain()].map((above) => above.limits);
    const names = ['maxConnections', 'maxWaiting', 'operationsPerSecond'] as const;
    if (limits.some((one) => names.some((name) => one[name] !== undefined))) return await this.#withConnection(caller);
    await caller.session.execute((connection) => this.#holding(caller, () => this.#use(caller, connection)));
  }

  async #use(caller: Caller, connection: Queryable): Promise<void> {
    const { random } = this.#play;
    for (let left = between(random, 1, 2); left > 0; left--) {
      await this.#operate(caller, (...query) => connection.query(...query));
      if (random() < 0.2) await sleep(between(random, 0, 2));
    }
  }

  /** Counts a lease while it is held. */
  async #holding<T>(caller: Caller, work: () => Promise<T>): Promise<T> {
    for (const above of caller.chain()) {
      above.held++;
      if (above.held > (above.limits.maxConnections ?? Number.POSITIVE_INFINITY))
        this.violations.push(`${above.session.agentId} held ${above.held} connections`);
    }
    try {
      return await work();
    } finally {
      for (const above of caller.chain()) above.held--;
    }
  }

  async #transaction(caller: Caller, options: { signal?: AbortSignal }): Promise<void> {
    const { random } = this.#play;
    const isUndone = random() < 0.4;
    let ran = false;
    let inForce: Operation[] = [];
    try {
      await caller.session.withTransaction(async (transaction, attempt) => {
        // What the attempt before did was undone.
        for (const operation of inForce) operation.row = 'absent';
        inForce = [];
        if (!ran) caller.transactions++;
        ran = true;
        if (attempt > 1) this.happened.conflicts++;
        const work = async (): Promise<void> => {
          for (const text of [write, contend]) {
            inForce.push(await this.#operate(caller, (...query) => transaction.query(...query), text));
          }
        };
        // One that is aborted gives its connection back a moment before its work hears of it.
        await (options.signal === undefined ? this.#holding(caller, work) : work());
        if (isUndone) throw new Deliberate('undone');
      }, options);
      caller.committed++;
    } catch (error) {
      if (!ran && !(error instanceof AgentLimitError)) caller.unbegun++;
      const row = ran && outcomeOf(error) === 'unknown' && !(error instanceof Deliberate) ? 'perhaps' : 'absent';
      for (const operation of inForce) operation.row = row;
      throw error;
    }
  }

  /** Compares the test's count with that of the sessions and of the pool, and both with the rows that are stored. */
  check(rows: readonly { readonly id: RecordId; readonly session: string }[]): string[] {
    const seconds = (performance.now() - this.#began) / 1_000;
    const wrong: string[] = [...this.violations];
    const stored = new Map(rows.map(({ id, session }) => [Number(id.id), session]));
    if (wrong.length > 0) return wrong;
    for (const caller of this.callers) {
      this.#checkStatistics(caller, seconds, wrong);
      for (const { id, outcome, row } of caller.operations) {
        const isStored = stored.get(id) === caller.session.agentId;
        const isRight = row === 'perhaps' || isStored === (row === 'stored');
        if (!isRight) wrong.push(`the row of operation ${id} (${outcome}) of ${caller.session.agentId}: ${isStored}`);
        stored.delete(id);
      }
    }
    if (stored.size > 0) wrong.push(`${stored.size} rows of no operation`);
    this.#checkTogether(wrong);
    return wrong;
  }

  #checkStatistics(caller: Caller, seconds: number, wrong: string[]): void {
    const { session, limits } = caller;
    const statistics = session.sessionStats();
    const { maxOperations, maxTransactions } = { ...noLimits, ...limits };
    const { operationsPerSecond: rate, burst } = limits;
    const expect = (what: string, holds: boolean): void => {
      if (!holds) wrong.push(`${session.agentId}: ${what}; ${JSON.stringify({ ...statistics, counted })}`);
    };
    const counted = caller.sum((one) => one.counted);
    expect('operations', statistics.totalOperations === counted);
    expect('maxOperations', counted <= maxOperations);
    const reached = caller.refusedByOperations > 0 && caller.sum(({ givenBack }) => givenBack) === 0;
    expect('maxOperations not used up', !reached || counted === maxOperations);
    if (rate) expect('rate', counted <= (burst ?? rate) + rate * seconds);
    const { maxWaiting: refusedToWait = 0, ...others } = statistics.refused;
    const refused = Object.values(others).reduce((sum, count) => sum + count, 0);
    expect('refused', refused === caller.sum((one) => one.refused));
    // The pool repeats a call that was refused for that, as one that finds the whole line full.
    expect('refused to wait', refusedToWait >= caller.sum((one) => one.refusedToWait));
    const begun = caller.sum(({ transactions }) => transactions);
    const unbegun = caller.sum((one) => one.unbegun);
    const { totalTransactions, openTransactions, committedTransactions, abortedTransactions } = statistics;
    expect('transactions', totalTransactions >= begun && totalTransactions <= begun + unbegun);
    expect('maxTransactions', totalTransactions <= maxTransactions);
    expect('committed', committedTransactions === caller.sum(({ committed }) => committed));
    const ended = committedTransactions + abortedTransactions + statistics.unknownTransactions;
    expect('ends of transactions', openTransactions === 0 && ended === totalTransactions);
    expect('nothing under way', statistics.activeConnections === 0 && statistics.waiting === 0 && caller.held === 0);
  }

  #checkTogether(wrong: string[]): void {
    const { pool } = this.#play;
    const together = pool.sessions();
    const own = this.callers.map(({ session }) => session.sessionStats());
    if (JSON.stringify(together.sessions) !== JSON.stringify(own)) wrong.push('sessions() has other statistics');
    for (const [name, total] of Object.entries(together.totals)) {
      const sum = own.reduce(
        (sum, one) => (one.parentId === undefined ? sum + one[name as keyof typeof together.totals] : sum),
        0,
      );
      if (Math.abs(total - sum) > 1e-6 * Math.abs(sum)) wrong.push(`${name} in all: ${total}, summed ${sum}`);
    }
    const { leased, waiting, started, served, timedOut, aborted, refused, failed } = pool.poolStats();
    const numbers = JSON.stringify({ leased, waiting, started, served, timedOut, aborted, refused, failed });
    if (leased !== 0 || waiting !== 0) wrong.push(`the pool is busy: ${numbers}`);
    if (started !== served + timedOut + aborted + refused + failed) wrong.push(`acquires: ${numbers}`);
    // A call that is repeated, and aborted while it waits again, ends with its first failure.
    if (timedOut !== this.happened.timedOut || aborted < this.happened.abortedWaiting || failed !== 0) {
      wrong.push(`acquires: ${numbers}, the test has seen ${JSON.stringify(this.happened)}`);
    }
  }
}
