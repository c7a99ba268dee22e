import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionManager } from '../../src/index.js';
import type { Cluster } from './cluster.js';
import type { ClusterFault } from './cluster-faults.js';
import { clusterPool, newDirectory } from './cluster-pool.js';
import { bareCallers, bareClient, Callers, percentile, poolCallers } from './measured.js';

/** What is measured with: a pool with its default options, but for these. */
const options = { minConnections: 20, maxConnections: 20, queryTimeout: '5s' } as const;
const callers = 12;
/** In milliseconds: before the fault, and during it. */
const durations = { calm: 4_000, fault: 12_000 };
/** The longest wait for a fair share. */
const longest = 90_000;

/** What callers noticed of one fault; times in milliseconds. */
export interface Noticed {
  readonly calls: number;
  /** Calls of the pool that failed, by what is known of them. */
  readonly notSent: number;
  readonly unknown: number;
  readonly refused: number;
  /** The wait for a connection that 99 of 100 callers did not pass, before the fault and from its beginning on. */
  readonly waitBefore: number;
  readonly waitDuring: number;
  /** The longest call of the pool. */
  readonly longest: number;
  /** From the beginning of the fault: until the last call that failed, or that took longer than a second, had ended. */
  readonly servedAfter: number;
  /** From the end of the fault: until each node has its share again of the connections, within 20 %; undefined: never. */
  readonly fairAfter: number | undefined;
  /** Calls of the bare SDK that failed, and the longest of all. */
  readonly bareFailed: number;
  readonly bareLongest: number;
}

export async function measureFault(cluster: Cluster, fault: ClusterFault, struck: number): Promise<Noticed> {
  for (const ask of cluster.stores) await ask('DEFINE TABLE OVERWRITE measured; DELETE measured');
  const directory = newDirectory();
  const pool = await clusterPool(cluster, options, fault.needsDirectory === true ? directory : undefined);
  await pool.warm();
  const urls = cluster.nodes.map(({ network }) => network.url);
  const bare = await bareCallers(urls, callers);
  const own = poolCallers(pool, callers);
  try {
    await pause(durations.calm);
    const begun = performance.now();
    const ends = await Promise.all(cluster.nodes.slice(0, struck).map((node) => fault.strike(node, directory)));
    await pause(durations.fault);
    const ended = performance.now();
    await Promise.all(ends.map((end) => end()));
    const fairAfter = await fair(pool, ended);
    await pause(1_000);
    await own.stop(10_000);
    return noticed(own, bare.callers, begun, ended, fairAfter);
  } finally {
    await own.stop(10_000);
    await bare.callers.stop(0);
    bare.close();
    await pool.shutdown({ gracePeriod: 0 });
  }
}

function noticed(own: Callers, bare: Callers, begun: number, ended: number, fairAfter: number | undefined): Noticed {
  const before = own.within(begun - durations.calm / 2, begun);
  const during = own.within(begun, ended);
  const failed = (end: string): number => during.filter((sample) => sample.end === end).length;
  const bad = during.filter(({ end, took }) => end !== 'answered' || took > 1_000);
  const waits = (samples: typeof during): number[] =>
    samples.filter(({ wait, took, end }) => wait !== took && end === 'answered').map(({ wait }) => wait);
  return {
    calls: during.length,
    notSent: failed('not-sent'),
    unknown: failed('unknown'),
    refused: failed('refused'),
    waitBefore: percentile(waits(before), 0.99),
    waitDuring: percentile(waits(during), 0.99),
    longest: own.longest(begun, ended),
    servedAfter: Math.max(0, ...bad.map((sample) => sample.begun + sample.took - begun)),
    fairAfter,
    bareFailed: bare
      .within(begun - 1_000, ended)
      .filter(({ end, begun: at, took }) => end !== 'answered' && at + took > begun).length,
    bareLongest: bare.longest(begun, ended),
  };
}

/** Milliseconds until each node has its share of the connections, within 20 %. */
async function fair(pool: ConnectionManager, since: number): Promise<number | undefined> {
  const end = since + longest;
  while (performance.now() < end) {
    const counts = pool.healthStatus().endpoints.map(({ connections }) => connections);
    const share = options.maxConnections / counts.length;
    if (counts.every((count) => count > share * 0.8 - 1 && count < share * 1.2 + 1)) return performance.now() - since;
    await pause(20);
  }
  return undefined;
}

/** How soon connections are given up that nobody uses, after their node fell silent; and the bare SDK's. */
export async function measureIdle(
  cluster: Cluster,
  fault: ClusterFault,
): Promise<{ own: number; bare: number | undefined }> {
  const pool = await clusterPool(cluster, options);
  await pool.warm();
  const url = cluster.nodes[0]?.network.url ?? '';
  const client = await bareClient(url);
  let gone: number | undefined;
  for (const event of ['disconnected', 'reconnecting', 'error'] as const) {
    client.subscribe(event, () => {
      gone ??= performance.now();
    });
  }
  await pause(5_500);
  const begun = performance.now();
  const struck = cluster.nodes[0];
  const end = struck === undefined ? undefined : await fault.strike(struck, newDirectory());
  let left = begun;
  const stop = pool.subscribe('closed', () => {
    left = performance.now();
  });
  await pause(30_000);
  stop();
  await end?.();
  client.close().catch(() => {});
  await pool.shutdown({ gracePeriod: 0 });
  return { own: left - begun, bare: gone === undefined ? undefined : gone - begun };
}

/** Which share of the calls of a fast node a node gets that is twice as far away. */
export async function measureSlowNode(cluster: Cluster): Promise<number> {
  const [slow, ...fast] = cluster.nodes;
  if (slow === undefined) throw new Error('a cluster has nodes');
  for (const { network } of fast) network.latency = 5;
  slow.network.latency = 10;
  const pool = await clusterPool(cluster, { ...options, loadBalancing: 'latency' });
  await pool.warm();
  const callers = new Callers(6, async () => {
    await using connection = await pool.acquire();
    await connection.query('RETURN 1');
    return 0;
  });
  // Until each has its place, and the slow start is over.
  await pause(40_000);
  const traffic = (): number[] => cluster.nodes.map(({ network }) => network.traffic.bytesToServer);
  const before = traffic();
  await pause(20_000);
  const [ofSlow = 0, ...ofFast] = traffic().map((bytes, node) => bytes - (before[node] ?? 0));
  await callers.stop(5_000);
  await pool.shutdown({ gracePeriod: 0 });
  for (const { network } of cluster.nodes) network.latency = 0;
  return ofSlow / (ofFast.reduce((sum, bytes) => sum + bytes, 0) / ofFast.length);
}
