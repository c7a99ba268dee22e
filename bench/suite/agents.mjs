import { createPool } from '../../dist/index.js';
import { compare, computing, waiting } from '../harness/paired.mjs';
import { byCallers } from './query.mjs';

export const question = 'what does an agent session cost, and what do agents get of a pool that is too small for them?';

const place = { namespace: 'bench', database: 'bench' };
const statement = 'RETURN 1';

/** @typedef {import('../../dist/index.js').ConnectionManager} Manager */
/** @typedef {{ acquire: Manager['acquire'], query: Manager['query'] }} Scope */
/** @typedef {import('../harness/results.mjs').Figures} Figures */

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const pool = await createPool('mem://', { ...place, minConnections: 20, maxConnections: 20 });
  yield* costOfACall(pool, rounds);
  yield await memory(pool);
  yield await besideGreedyCallers(pool);
  await pool.shutdown({ gracePeriod: 0 });
  yield await whileTheyThink();
}

/**
 * @param {Manager} pool
 * @param {number} rounds
 */
async function* costOfACall(pool, rounds) {
  const maxHold = /** @type {const} */ ('60s');
  const session = pool.createSession({ agentId: 'bench' });
  const unbounded = pool.createSession({ agentId: 'bench', limits: { maxHold: 0 } });
  const limited = pool.createSession({
    agentId: 'bench',
    limits: { maxConnections: 100, maxOperations: 1e12, operationsPerSecond: 1e9 },
    parent: pool.createSession({ agentId: 'parent', limits: { maxOperations: 1e12 } }),
  });
  /** @type {[string, () => Promise<{ release(): unknown }>][]} */
  const acquires = [
    ['pool.acquire()', () => pool.acquire()],
    ['session.acquire(), without maxHold', () => unbounded.acquire()],
    ["pool.acquire({ maxHold: '60s' })", () => pool.acquire({ maxHold })],
    ['session.acquire(), whose maxHold is 60 s by default', () => session.acquire()],
    ['session.acquire(), with limits and a parent', () => limited.acquire()],
  ];
  for (const callers of [1, 20]) {
    yield await compare(
      `acquire and release, ${callers === 1 ? '1 caller' : `${callers} callers`}`,
      acquires.map(([name, acquire]) =>
        computing(name, (times) => byCallers(callers, times, async () => (await acquire()).release())),
      ),
      { rounds },
    );
  }
  /** @type {[string, () => PromiseLike<unknown>][]} */
  const queries = [
    ['pool.query()', () => pool.query(statement)],
    ['session.query()', () => session.query(statement)],
    ['session.query(), with limits and a parent', () => limited.query(statement)],
  ];
  for (const callers of [1, 16]) {
    yield await compare(
      `${statement}, embedded, ${callers === 1 ? '1 caller' : `${callers} callers`}`,
      queries.map(([name, ask]) => waiting(name, (times) => byCallers(callers, times, ask))),
      { rounds, unit: 'µs' },
    );
  }
}

/**
 * What sessions hold, and nothing of what making them left behind.
 *
 * @param {Manager} pool
 * @returns {Promise<Figures>}
 */
async function memory(pool) {
  const count = 10_000;
  const collected = async () => {
    for (let time = 0; time < 3; time++) {
      await new Promise(setImmediate);
      globalThis.gc?.();
    }
    return process.memoryUsage().heapUsed;
  };
  /** @param {(session: import('../../dist/index.js').AgentSession) => PromiseLike<unknown> | undefined} use */
  const perSession = async (use) => {
    const before = await collected();
    const sessions = [];
    for (let index = 0; index < count; index++) {
      const session = pool.createSession({ agentId: `agent ${index}`, namespace: `ns${index % 10}`, database: 'db' });
      sessions.push(session);
      await use(session);
    }
    const bytes = Math.round(((await collected()) - before) / count);
    await Promise.all(sessions.map((session) => session.close({ gracePeriod: 0 })));
    return bytes;
  };
  // Once before: what is made once is not counted.
  await perSession((session) => session.query(statement));
  return {
    kind: 'figures',
    title: `memory of a session that is idle, ${count.toLocaleString('en-US')} of them`,
    columns: ['', 'bytes each'],
    rows: [
      ['has made no call', await perSession(() => undefined)],
      ['has made one call', await perSession((session) => session.query(statement))],
    ],
  };
}

/**
 * How long one caller, who asks now and then, waits for its answer. With SLEEP the engine computes nothing: what the
 * caller waits for is a connection. With a loop all callers share the processor as well, which no pool can divide.
 *
 * @param {Manager} pool
 * @returns {Promise<Figures>}
 */
async function besideGreedyCallers(pool) {
  /** @type {(string | number)[][]} */
  const rows = [];
  for (const text of ['SLEEP 5ms', 'FOR $n IN 0..1000 { LET $double = $n * 2; }']) {
    const light = pool.createSession({ agentId: 'light' });
    const greedy = pool.createSession({ agentId: 'greedy' });
    /** @param {Scope & Pick<Manager, 'withConnection'>} scope */
    const held = (scope) => () => scope.withConnection((connection) => connection.query(text));
    /** @param {Scope} scope */
    const single = (scope) => () => scope.query(text);
    const alone = await medianOf(held(light));
    const aloneSingle = await medianOf(single(light));
    /** @type {[string, number, () => PromiseLike<unknown>, () => PromiseLike<unknown>][]} */
    const cases = [
      ['beside a session of 200 callers', alone, held(light), held(greedy)],
      ['beside 200 plain callers', alone, held(light), held(pool)],
      ['as one of 201 plain callers', alone, held(pool), held(pool)],
      ['by single calls, beside a session of 200 callers of single calls', aloneSingle, single(light), single(greedy)],
    ];
    rows.push([`${text}: alone`, alone, 1]);
    for (const [name, reference, own, others] of cases) {
      const time = await beside(200, others, () => medianOf(own));
      rows.push([name, time, time / reference]);
    }
    for (const session of [light, greedy]) await session.close({ gracePeriod: 0 });
  }
  return {
    kind: 'figures',
    title: 'one caller on a pool of 20 connections: median, in ms, and ratio to the same caller alone',
    columns: ['', 'ms', 'ratio'],
    rows,
  };
}

/**
 * @param {number} callers
 * @param {() => PromiseLike<unknown>} ask
 * @param {() => Promise<number>} measure
 */
async function beside(callers, ask, measure) {
  let over = false;
  const all = Array.from({ length: callers }, async () => {
    while (!over) await ask();
  });
  // Each of them has its place by now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const result = await measure();
  over = true;
  await Promise.all(all);
  return result;
}

/** @param {() => PromiseLike<unknown>} ask */
async function medianOf(ask) {
  /** @type {number[]} */
  const times = [];
  while (times.length < 101) {
    const began = performance.now();
    await ask();
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return quantile(times, 0.5);
}

/**
 * @param {readonly number[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const agents = 50;
const few = 5;
const thinkingTime = 200;
const duration = 5_000;
/** So many statements an agent makes for one task, and thinks after each. */
const statementsPerTask = 5;

/** @returns {Promise<Figures>} */
async function whileTheyThink() {
  const pool = await createPool('mem://', {
    ...place,
    minConnections: few,
    maxConnections: few,
    connectionTimeout: 0,
  });
  /** @typedef {(text: string) => PromiseLike<unknown>} Ask */
  /**
   * One agent's task: it gets how to ask, and the asking counts from the moment it wants to.
   *
   * @type {[string, (session: import('../../dist/index.js').AgentSession, task: (ask: Ask) => Promise<void>) => Promise<void>][]}
   */
  const ways = [
    [
      'a lease held for the task',
      (session, task) => session.withConnection((lease) => task((text) => lease.query(text))),
    ],
    [
      "the same with whileIdle: 'release', idleAfter: '10ms'",
      (session, task) =>
        session.withConnection((lease) => task((text) => lease.query(text)), {
          whileIdle: 'release',
          idleAfter: '10ms',
        }),
    ],
    ['session.query()', (session, task) => task((text) => session.query(text))],
  ];
  /** @type {(string | number)[][]} */
  const rows = [];
  let reference = Number.NaN;
  for (const [name, way] of ways) {
    const { statements, waits } = await think(pool, way);
    const perSecond = statements / (duration / 1_000);
    if (rows.length === 0) reference = perSecond;
    rows.push([name, perSecond, perSecond / reference, quantile(waits, 0.5), quantile(waits, 0.99)]);
  }
  await pool.shutdown({ gracePeriod: 0 });
  return {
    kind: 'figures',
    title: `${agents} agents that think for ${thinkingTime} ms after each statement, on ${few} connections: statements a second, and ms from wanting a statement to its answer`,
    columns: ['', 'statements/s', 'ratio', 'p50', 'p99'],
    rows,
  };
}

/**
 * @param {Manager} pool
 * @param {(session: import('../../dist/index.js').AgentSession, task: (ask: (text: string) => PromiseLike<unknown>) => Promise<void>) => Promise<void>} way
 */
async function think(pool, way) {
  const end = performance.now() + duration;
  /** @type {number[]} */
  const waits = [];
  let statements = 0;
  await Promise.all(
    Array.from({ length: agents }, async (_, index) => {
      const session = pool.createSession({ agentId: `agent ${index}` });
      while (performance.now() < end) {
        let wanted = performance.now();
        await way(session, async (ask) => {
          for (let left = statementsPerTask; left > 0 && performance.now() < end; left--) {
            await ask(statement);
            waits.push(performance.now() - wanted);
            statements++;
            await new Promise((resolve) => setTimeout(resolve, thinkingTime));
            wanted = performance.now();
          }
          // One that was not served before the end has waited until then, at least.
          if (wanted < end && performance.now() >= end) waits.push(performance.now() - wanted);
        });
      }
      await session.close({ gracePeriod: 0 });
    }),
  );
  return { statements, waits };
}
