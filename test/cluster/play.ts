import { setTimeout as pause } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { ConnectionManager, PoolOptions } from '../../src/index.js';
import { Ledger, type Verdict } from '../chaos/ledger.js';
import { heldResources, surplusOf } from '../support/held-resources.js';
import { between, type Random, seededRandom, shuffled } from '../support/seeded-random.js';
import type { Cell } from './cells.js';
import type { Cluster } from './cluster.js';
import type { Directory } from './cluster-faults.js';
import { clusterPool, newDirectory } from './cluster-pool.js';
import { deadlines, retryPolicy, Workload } from './workload.js';

const workers = 12;
const subscribers = 6;
const connections = 15;
/** Not a measure: so many milliseconds are enough on the slowest machine, and few enough not to wait for ever. */
const patience = { timeout: 30_000, interval: 20 };

// So short that a fault outlasts most of them.
const options = {
  ...deadlines,
  retryPolicy,
  minConnections: connections,
  maxConnections: connections,
  maxConnecting: 6,
  openTimeout: 500,
  probeTimeout: 200,
  resetTimeout: 200,
  closeTimeout: 100,
  livenessTimeout: 500,
  validationInterval: 50,
  // On a busy machine the first sign-in may take longer than deadlines that are so short.
  failFast: false,
  circuitBreaker: { probeInterval: 50, idleProbeInterval: 200 },
  balancing: { slowStart: 200, rebalanceInterval: 50 },
  discovery: { refresh: 200, minInterval: 100 },
} satisfies Partial<PoolOptions>;

/** What came of one cell. */
export interface Outcome {
  readonly totals: Record<Verdict, number>;
  /** Live queries that ended. */
  readonly lost: number;
}

/** Plays one cell: calm, the fault, and calm again; and holds what callers were told against what is stored. */
export async function play(cluster: Cluster, cell: Cell, seed: number): Promise<Outcome> {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  try {
    const before = heldResources();
    const outcome = await played(cluster, cell, seed);
    await vi.waitFor(() => expect(cluster.connections(), 'no socket is left').toBe(0), patience);
    // Not by vi.waitFor(), which has timers of its own from its second look on.
    const end = performance.now() + patience.timeout;
    while (surplusOf(before).length > 0 && performance.now() < end) await pause(20);
    expect(surplusOf(before), 'nothing is left that holds the process').toEqual([]);
    expect(unhandled).toEqual([]);
    return outcome;
  } finally {
    process.off('unhandledRejection', note).off('uncaughtException', note);
  }
}

async function played(cluster: Cluster, cell: Cell, seed: number): Promise<Outcome> {
  const random = seededRandom(seed);
  const { stores, otherStore } = cluster;
  // A node that has gone astray finds there what it has at home: so it could write.
  for (const ask of otherStore === undefined ? stores : [...stores, otherStore]) await Ledger.prepare(ask);
  const directory = newDirectory();
  const { strategy, fault, struck, work } = cell;
  // Where all nodes have another store, that is the store: a write is in one of the two.
  const isMoved = fault.changesStore === true && struck === cluster.nodes.length;
  const ask = isMoved && otherStore !== undefined ? [...stores, otherStore] : stores;
  const isOneStore = stores.length === 1;
  const balanced: Partial<PoolOptions> = {
    ...options,
    loadBalancing: strategy,
    balancing: { ...options.balancing, storeCheck: isOneStore ? 'auto' : 'off' },
  };
  const pool = await clusterPool(cluster, balanced, fault.needsDirectory === true ? directory : undefined);
  const workload = new Workload(pool, { kind: work, verifyCommit: isOneStore, random, name: `s${seed}` });
  const { ledger, vigil, subscribers: heard } = workload;
  try {
    // So that those who listen do so on all nodes.
    await pool.warm();
    workload.start(workers, subscribers);
    await storm(cluster, cell, directory, random);
    await heal(pool, workload);
    await workload.stopWriting();
    if (cell.work === 'live') await beTold(cluster, workload, !isMoved);
  } finally {
    await workload.stop();
    await pool.shutdown({ gracePeriod: 0 });
  }
  expect(heard.twice, 'told twice').toEqual([]);
  expect(vigil.overdue, 'nobody waits past a deadline').toEqual([]);
  expect(ledger.strange, 'every error is one of the pool or of the server').toEqual([]);
  expect(await ledger.lies({ ask, losesUpdates: isMoved }), 'what was said of a write is so').toEqual([]);
  const { totals } = ledger;
  expect(totals.acknowledged, 'writes').toBeGreaterThan(0);
  if (struck < cluster.nodes.length) {
    // A node serves: no call fails that was not sent, and what became of a commit is found out there.
    if (work === 'transactions') expect(isOneStore ? ledger.errorsOf('unknown') : [], 'unknown').toEqual([]);
    else expect(ledger.errorsOf('not-sent'), 'not sent').toEqual([]);
  }
  return { totals, lost: heard.lost };
}

async function storm(cluster: Cluster, { fault, struck }: Cell, directory: Directory, random: Random): Promise<void> {
  await pause(between(random, 100, 300));
  const nodes = shuffled(random, cluster.nodes).slice(0, struck);
  const ends = await Promise.all(nodes.map((node) => fault.strike(node, directory)));
  await pause(between(random, 200, 1_200));
  await Promise.all(ends.map((end) => end()));
}

/** Waits until all is as it was, helped by nothing but that callers come. */
async function heal(pool: ConnectionManager, { ledger }: Workload): Promise<void> {
  await vi.waitFor(() => {
    expect(pool.healthStatus()).toMatchObject({ healthy: true, circuitBreakerState: 'closed' });
    expect(pool.poolStats()).toMatchObject({ total: connections });
  }, patience);
  const served = ledger.totals.acknowledged;
  await vi.waitFor(() => expect(ledger.totals.acknowledged).toBeGreaterThan(served + workers), patience);
}

/**
 * Waits until those who listen know of everything, which one who listens to a connection that is gone never does.
 * @param ofAll of all that was written since; otherwise of something that is written now
 */
async function beTold({ stores, forgets }: Cluster, workload: Workload, ofAll: boolean): Promise<void> {
  const { subscribers: heard, ledger } = workload;
  const waitUntil = async (check: () => void): Promise<void> => {
    await vi.waitFor(check, { ...patience, timeout: 1_000 }).catch(async () => {
      if (forgets) await heard.excuse();
      await vi.waitFor(check, patience);
    });
  };
  // Who listens hears of one store alone.
  if (stores.length === 1 && ofAll) await waitUntil(() => expect(heard.untold, 'who listens is told').toEqual([]));
  const names = stores.map((_, number) => `last-${number}`);
  for (const [number, name] of names.entries()) {
    const write = `CREATE entry:⟨${name}⟩ SET times = 1; UPDATE counter:0 SET value += 1`;
    await ledger.note({ name }, Promise.resolve(stores[number]?.(write)));
  }
  await waitUntil(() => expect(heard.deafTo(names), 'who listens is told of what comes').toEqual([]));
}
