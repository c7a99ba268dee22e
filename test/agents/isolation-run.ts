import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Tokens, Uuid } from 'surrealdb';
import {
  type ConnectionManager,
  LeaseReleasedError,
  type PooledConnection,
  TransactionAbortedError,
  TransactionEndedError,
  TransactionLostError,
  UsageError,
} from '../../src/index.js';
import type { Place } from '../support/backend.js';
import { collectGarbage } from '../support/garbage.js';
import { between, oneOf, type Random, seededRandom } from '../support/seeded-random.js';
import { type Agent, agents, places, signIns, tables, variables } from './isolation-agents.js';
import { type Kept, keepAll } from './kept-objects.js';
import { changes, type Held, over } from './session-changes.js';

/** How agents get connections and make single calls. */
export interface Door {
  acquire(
    agent: Agent,
    limits: { readonly signal?: AbortSignal; readonly queryTimeout?: number },
  ): Promise<PooledConnection>;
  /** A single call, on a connection that it may share with others of the same identity. */
  query(agent: Agent, text: string): Promise<unknown[]>;
}

/** Where it happens. */
export interface IsolationScene {
  readonly pool: ConnectionManager;
  readonly door: Door;
  /** Leases of the pool that are no agent's. */
  readonly witnesses: number;
  /** Asks beside all agents, as a user of everything. */
  ask(text: string, place: Place): Promise<unknown[]>;
  /** The transactions that the server holds open for this pool; undefined where that cannot be seen. */
  openTransactions?(): readonly string[];
}

export interface IsolationRun {
  readonly seed: number;
  readonly leases: number;
}

/** What happened, so that a test can show that something did. */
export interface IsolationReport {
  readonly leases: number;
  readonly calls: number;
  /** How often each change was made and answered. */
  readonly changed: Readonly<Record<string, number>>;
  /** How often objects kept beyond their lease refused. */
  readonly refused: number;
  readonly reclaimed: number;
  readonly milliseconds: number;
}

/** Leases between two looks at the whole. */
const leasesPerRound = 250;
const workers = 7;
/** Objects of ended leases that are kept at the same time. */
const mostKept = 400;

const shown = variables.map((name) => `$${/^\w+$/.test(name) ? name : `\`${name}\``}`).join(', ');
const question = `RETURN { ns: session::ns(), db: session::db(), auth: $auth, token: $token, access: $access,
  session: $session, variables: [${shown}] }`;

/** Without what differs between two sessions of the same user. */
function lasting(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value instanceof Object && !Array.isArray(value) ? String(value) : value;
  }
  const differing = new Set(['exp', 'iat', 'nbf', 'jti']);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !(name === 'id' && value && 'tk' in value))
      .map(([name, part]) => [name, differing.has(name) ? typeof part : lasting(part)]),
  );
}

/** What a session shows of itself, or how it refuses to. */
async function shownBy(answer: Promise<unknown[]>): Promise<unknown> {
  try {
    const [state] = await answer;
    return lasting(state);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `${error.name}: ${error.message.replace(/\d+/g, '#')}`;
  }
}

/** How an object refuses that was kept from an ended lease. A transaction says that it ended, then or before. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TransactionAbortedError || error instanceof TransactionLostError) return true;
  if (error instanceof TransactionEndedError) return error.state === 'abandoned';
  // A lease of a session never does that, before its release as after it.
  if (error instanceof UsageError) return error.message.includes('on a lease of an agent session');
  return error instanceof LeaseReleasedError || error === over;
}

/** Random leases of random agents; rejects with the first thing that one agent saw of another. */
export async function runIsolated(scene: IsolationScene, { seed, leases }: IsolationRun): Promise<IsolationReport> {
  return await new Isolation(scene, seed).run(leases);
}

class Isolation {
  readonly #scene: IsolationScene;
  readonly #random: Random;
  readonly #seed: number;
  /** What a connection that nobody had before shows to each agent. */
  readonly #fresh = new Map<Agent, unknown>();
  readonly #tokens: Tokens[] = [];
  readonly #kept: Kept[] = [];
  /** Live queries of ended leases, by their connection. */
  readonly #endedLives = new Map<number, Uuid[]>();
  readonly #changed: Record<string, number> = {};
  /** The last leases of each connection, to be told with a failure. */
  readonly #past = new Map<number, { readonly agent: string; readonly done: readonly string[] }[]>();
  readonly #wrong: string[] = [];
  #latest: Agent = agents[0];
  #leases = 0;
  #calls = 0;
  #refused = 0;
  #dropped = 0;
  #reclaimed = 0;
  #written = 0;

  constructor(scene: IsolationScene, seed: number) {
    this.#scene = scene;
    this.#seed = seed;
    this.#random = seededRandom(seed);
  }

  async run(leases: number): Promise<IsolationReport> {
    const { pool } = this.#scene;
    const began = performance.now();
    const forget = pool.subscribe('leaseReclaimed', () => {
      this.#reclaimed++;
    });
    await this.#prepare();
    const janitor = setInterval(() => {
      if (this.#dropped > this.#reclaimed) collectGarbage();
    }, 50);
    try {
      while (this.#leases < leases) {
        const end = Math.min(leases, this.#leases + leasesPerRound);
        await Promise.all(Array.from({ length: workers }, () => this.#work(end)));
        await this.#expectNothingIsLeft();
      }
    } finally {
      clearInterval(janitor);
      forget();
    }
    return {
      ...{ leases: this.#leases, calls: this.#calls, changed: this.#changed, refused: this.#refused },
      ...{ reclaimed: this.#reclaimed, milliseconds: Math.round(performance.now() - began) },
    };
  }

  async #prepare(): Promise<void> {
    const { door, pool } = this.#scene;
    for (const credentials of signIns) {
      this.#tokens.push(await pool.withConnection((connection) => connection.signin(credentials)));
    }
    for (const agent of agents) {
      pool.recycleAll();
      const connection = await door.acquire(agent, {});
      if (connection.useCount !== 1) throw new Error(`${agent.name} got a connection that was used before`);
      this.#fresh.set(agent, await shownBy(connection.query(question).collect()));
      connection.release();
    }
  }

  async #work(end: number): Promise<void> {
    while (this.#leases < end) {
      this.#leases++;
      this.#throwIfWrong();
      await this.#useKept(between(this.#random, 0, 2));
      // Often the one before: its connection is not switched to another identity, only reset.
      const agent = this.#random() < 0.4 ? this.#latest : oneOf(this.#random, agents);
      this.#latest = agent;
      if (this.#random() < 0.25) await this.#call(agent);
      // Dropped without a release: nothing of it may be kept here, so that it is found.
      if (this.#random() < 0.01) await this.#drop(agent);
      else await this.#lease(agent);
    }
  }

  async #call(agent: Agent): Promise<void> {
    this.#calls++;
    const seen = await shownBy(this.#scene.door.query(agent, question));
    this.#compare(agent, seen, 'a single call');
  }

  async #drop(agent: Agent): Promise<void> {
    const connection = await this.#scene.door.acquire(agent, {});
    await this.#expectFresh(agent, connection);
    // Not with a subscription: a handler that still waits for messages is a use of the lease.
    this.#dropped++;
    this.#note(connection, agent, ['dropped']);
    await Promise.allSettled([
      connection.set('tenant', 'dropped'),
      connection.use(oneOf(this.#random, places)),
      connection.query(`LIVE SELECT * FROM ${tables.news}`).collect(),
    ]);
    await connection
      .beginTransaction({ allowWithoutUser: true })
      .then(
        (transaction) => transaction.query(`CREATE ${tables.left}`).collect(),
        () => {},
      )
      .catch(() => {});
  }

  async #lease(agent: Agent): Promise<void> {
    const random = this.#random;
    const abort = random() < 0.15 ? new AbortController() : undefined;
    const connection = await this.#scene.door.acquire(agent, {
      ...(abort && { signal: abort.signal }),
      ...(random() < 0.15 && { queryTimeout: 2_000 }),
    });
    await this.#expectFresh(agent, connection);
    if (random() < 0.3) await this.#expectNoMessages(agent, connection);
    const done: string[] = [];
    const held: Held = {
      ...{ connection, random, abort, tokens: this.#tokens, lives: [], over: false },
      kept: random() < 0.4 ? keepAll(connection) : [],
      wrong: (what) => this.#wrong.push(`${agent.name} on connection ${connection.id} (${done.join(', ')}): ${what}`),
    };
    this.#note(connection, agent, done);
    // Often a single one, whose reset no other one brings along.
    const most = random() < 0.5 ? 1 : 4;
    for (let count = between(random, 0, most); count > 0; count--) await this.#change(held, done);
    if (random() < 0.5) await this.#scene.ask(`CREATE ${tables.news}`, oneOf(random, places));
    const underWay: Promise<void>[] = [];
    if (random() < 0.3) {
      for (let count = between(random, 1, 3); count > 0; count--) underWay.push(this.#change(held, done));
      for (let turns = between(random, 0, 3); turns > 0; turns--) await (random() < 0.5 ? turn() : undefined);
    }
    held.over = true;
    connection.release();
    if (random() < 0.1) connection.release();
    if (random() < 0.3) abort?.abort(new Error('after the release'));
    this.#endedLives.set(connection.id, [...(this.#endedLives.get(connection.id)?.slice(-5) ?? []), ...held.lives]);
    this.#kept.push(...held.kept);
    if (this.#kept.length > mostKept) this.#kept.splice(0, this.#kept.length - mostKept);
    // At once, while the pool still resets the connection.
    await this.#useKept(between(random, 0, 2));
    await Promise.all(underWay);
  }

  async #change(held: Held, done: string[]): Promise<void> {
    type Change = [string, (held: Held) => Promise<unknown>];
    const all = Object.entries(changes) as [Change];
    // Now and then one that was not made yet, so that a short run makes nearly all of them.
    const missing = all.filter(([each]) => this.#changed[each] === undefined);
    const some = this.#random() < 0.3 ? missing[between(this.#random, 0, missing.length - 1)] : undefined;
    const [name, make] = some ?? oneOf(this.#random, all);
    done.push(name);
    // Many are refused: not every user may do everything, and the lease may be over.
    await make(held).then(
      () => {
        this.#changed[name] = (this.#changed[name] ?? 0) + 1;
      },
      () => {},
    );
  }

  /** What a lease sees first is what a connection shows that nobody had before. */
  async #expectFresh(agent: Agent, connection: PooledConnection): Promise<void> {
    const seen = await shownBy(connection.query(question).collect());
    this.#compare(agent, seen, `connection ${connection.id} after ${JSON.stringify(this.#past.get(connection.id))}`);
    const { namespace, database } = this.#placeOf(agent);
    if (connection.namespace !== namespace || connection.database !== database) {
      throw this.#failure(agent, `the connection says that it is in ${connection.namespace}/${connection.database}`);
    }
    await this.#expectCommittedAtOnce(agent, connection);
  }

  /** A live query of an ended lease that was not killed would still be delivered to whoever names it. */
  async #expectNoMessages(agent: Agent, connection: PooledConnection): Promise<void> {
    const ended = this.#endedLives.get(connection.id)?.at(-between(this.#random, 1, 3));
    if (ended === undefined) return;
    const live = await connection.liveOf(ended);
    // One that was on its way before the reset may still arrive.
    const since = ++this.#written;
    live.subscribe(({ action, value }) => {
      const isOld = !(Number(value?.since) >= since);
      if (action !== 'KILLED' && !isOld)
        this.#wrong.push(`${agent.name} got ${action} of a live query of an ended lease`);
    });
    for (const place of places) await this.#scene.ask(`CREATE ${tables.news} SET since = ${since}`, place);
  }

  /** No transaction is open: what it writes is seen by others at once. */
  async #expectCommittedAtOnce(agent: Agent, connection: PooledConnection): Promise<void> {
    const n = ++this.#written;
    const written = await connection
      .query<[unknown[]]>(`CREATE ${tables.written}:${n} RETURN VALUE record::id(id)`)
      .collect()
      .then(
        ([ids]) => ids.length > 0,
        () => false,
      );
    if (!written) return;
    const [seen] = await this.#scene.ask(`RETURN record::exists(${tables.written}:${n})`, this.#placeOf(agent));
    if (seen !== true) throw this.#failure(agent, 'its write was not committed at once');
  }

  #placeOf({ identity: { namespace, database } }: Agent): Place {
    const [home] = agents;
    if (namespace !== undefined && database !== undefined) return { namespace, database };
    const { ns, db } = this.#fresh.get(home) as { ns: string; db: string };
    return { namespace: ns, database: db };
  }

  #compare(agent: Agent, seen: unknown, where: string): void {
    const expected = this.#fresh.get(agent);
    if (isDeepStrictEqual(seen, expected)) return;
    throw this.#failure(agent, `${where}: it saw ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
  }

  async #useKept(count: number): Promise<void> {
    for (; count > 0 && this.#kept.length > 0; count--) {
      const { name, use } = this.#kept[Math.floor(this.#random() * this.#kept.length)] as Kept;
      const refusal = await use().then(
        (value) => ({ value }),
        (error: unknown) => error,
      );
      if (!isRefusal(refusal)) {
        throw this.#failure(
          undefined,
          `${name}, kept from an ended lease, gave ${String(refusal)} ${JSON.stringify(refusal)}`,
        );
      }
      this.#refused++;
    }
  }

  /** Between two rounds no lease is held: then nothing of any is left on the server. */
  async #expectNothingIsLeft(): Promise<void> {
    const { pool, ask, openTransactions, witnesses } = this.#scene;
    const end = performance.now() + 30_000;
    const isBusy = (): boolean => {
      const { leased, resetting, waiting } = pool.poolStats();
      return leased > witnesses || resetting + waiting > 0;
    };
    while (isBusy()) {
      if (performance.now() > end) throw this.#failure(undefined, `not idle: ${JSON.stringify(pool.poolStats())}`);
      await turn();
    }
    this.#throwIfWrong();
    for (const place of places) {
      const [late, left] = await ask(
        `RETURN count(SELECT id FROM ${tables.late}); RETURN count(SELECT id FROM ${tables.left})`,
        place,
      );
      if (late !== 0) throw this.#failure(undefined, `${late} objects kept from ended leases have written`);
      if (left !== 0) throw this.#failure(undefined, `${left} records of transactions that nobody committed`);
    }
    // Closing sockets, which takes their live queries and transactions along, may still be under way.
    for (;;) {
      const found = [...(await this.#livesLeft()), ...(openTransactions?.() ?? [])];
      if (found.length === 0) return;
      if (pool.poolStats().closing === 0 && performance.now() > end - 25_000) {
        throw this.#failure(undefined, `still there after all leases: ${found.join(', ')}`);
      }
      await turn();
    }
  }

  async #livesLeft(): Promise<string[]> {
    const found: string[] = [];
    for (const place of places) {
      const [info] = await this.#scene.ask(`INFO FOR TABLE ${tables.news}`, place);
      const { lives } = info as { lives: object };
      found.push(...Object.keys(lives).map((id) => `live query ${id} of ${place.namespace}/${place.database}`));
    }
    return found;
  }

  #note(connection: PooledConnection, agent: Agent, done: string[]): void {
    const past = this.#past.get(connection.id) ?? [];
    this.#past.set(connection.id, [...past.slice(-3), { agent: agent.name, done }]);
  }

  #throwIfWrong(): void {
    const [what] = this.#wrong;
    if (what !== undefined) throw this.#failure(undefined, what);
  }

  #failure(agent: Agent | undefined, what: string): Error {
    return new Error(`seed ${this.#seed}, lease ${this.#leases}${agent ? `, ${agent.name}` : ''}: ${what}`);
  }
}
