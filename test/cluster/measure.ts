import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import type { ClusterFault } from './cluster-faults.js';
import { clusterPool, newDirectory } from './cluster-pool.js';
import { bareCallers, bareClient, Callers, percentile, poolCallers } from './measured.js';

/** What is measured with: a pool with its default options, but for these. */
const options = { minConnections: 20, maxConnections: 20, queryTimeout: '5s' } as const;
const callers = 12;
/** In milliseconds: before the fault, and during it. */
const durations = { calm: 4_000, fault: 8_000 };
/** A call that takes longer is one that a caller notices. */
const noticeable = 250;
/** From the beginning of the fault: while the pool finds out. */
const failover = 2_000;
/** The longest wait for a fair share. */
const longest = 90_000;

/** What callers noticed of one fault; times in milliseconds. */
export interface Noticed {
  readonly calls: number;
  /** Calls of the pool that failed, by what is known of them. */
  readonly notSent: number;
  readonly unknown: number;
  readonly refused: number;
  /** The wait for a connection that 99 of 100 callers did not pass, before the fault and in its first two seconds. */
  readonly waitBefore: number;
  readonly waitDuring: number;
  /** The longest call of the pool. */
  readonly longest: number;
  /** From the beginning of the fault: until the last call had ended that failed, or took more than 250 ms. */
  readonly servedAfter: number;
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
    await own.stop(10_000);
    return noticed(own, bare.callers, begun, ended);
  } finally {
    await own.stop(10_000);
    await bare.callers.stop(0);
    bare.close();
    await pool.shutdown({ gracePeriod: 0 });
  }
}

function noticed(own: Callers, bare: Callers, begun: number, ended: number): Noticed {
  const before = own.begunIn(begun - durations.calm / 2, begun);
  const during = own.goingOnIn(begun, ended);
  const failed = (end: string): number => during.filter((sample) => sample.end === end).length;
  const bad = during.filter(({ end, took }) => end !== 'answered' || took > noticeable);
  const waits = (samples: typeof during): number[] =>
    samples.filter(({ wait, took, end }) => wait !== took && end === 'answered').map(({ wait }) => wait);
  return {
    calls: during.length,
    notSent: failed('not-sent'),
    unknown: failed('unknown'),
    refused: failed('refused'),
    waitBefore: percentile(waits(before), 0.99),
    waitDuring: percentile(waits(own.begunIn(begun, begun + failover)), 0.99),
    longest: own.longest(begun, ended),
    servedAfter: Math.max(0, ...bad.map((sample) => sample.begun + sample.took - begun)),
    bareFailed: bare.goingOnIn(begun, ended).filter(({ end }) => end !== 'answered').length,
    bareLongest: bare.longest(begun, ended),
  };
}

/** How soon a node that was killed and came back has its share of the connections again, within 20 %; undefined: never. */
export async function measureReturn(cluster: Cluster): Promise<number | undefined> {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('a cluster has nodes');
  const pool = await clusterPool(cluster, options);
  await pool.warm();
  const own = poolCallers(pool, callers);
  try {
    await pause(2_000);
    await node.process.kill();
    await pause(5_000);
    await node.process.start();
    const since = performance.now();
    const share = options.maxConnections / cluster.nodes.length;
    while (performance.now() < since + longest) {
      const counts = pool.endpoints().map(({ connections }) => connections);
      if (counts.every((count) => Math.abs(count - share) <= 0.2 * share)) return performance.now() - since;
      await pause(20);
    }
    return undefined;
  } finally {
    await own.stop(10_000);
    await pool.shutdown({ gracePeriod: 0 });
  }
}

/**
 * How soon connections that are idle are given up after their node fell silent, while nobody calls; and when the bare SDK
 * says that its connection is lost. Undefined: not within half a minute.
 */
export async function measureIdle(
  cluster: Cluster,
  fault: ClusterFault,
): Promise<{ own: number | undefined; bare: number | undefined }> {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('a cluster has nodes');
  const pool = await clusterPool(cluster, options);
  await pool.warm();
  const client = await bareClient(node.network.url);
  let own: number | undefined;
  let bare: number | undefined;
  for (const event of ['disconnected', 'reconnecting', 'error'] as const) {
    client.subscribe(event, () => {
      bare ??= performance.now();
    });
  }
  // Longer than a server leaves between two pings.
  await pause(5_500);
  const ofNode = () => pool.endpoints().find(({ url }) => url === node.network.url);
  const { opened: openedBefore = 0, connections: had = 0 } = ofNode() ?? {};
  const lostBefore = openedBefore - had;
  const begun = performance.now();
  const end = await fault.strike(node, newDirectory());
  // Not the connections there: where new ones can be opened, each that is given up is replaced.
  while (performance.now() < begun + 30_000) {
    const { opened = 0, connections = 0 } = ofNode() ?? {};
    if (opened - connections >= lostBefore + had) own ??= performance.now();
    await pause(20);
  }
  const since = (moment: number | undefined) => (moment === undefined ? undefined : moment - begun);
  const noticed = { own: since(own), bare: since(bare) };
  await end();
  client.close().catch(() => {});
  await pool.shutdown({ gracePeriod: 0 });
  return noticed;
}

/** Which share of the calls of a fast node a node gets that is twice as far away. */
export async function measureSlowNode(cluster: Cluster): Promise<number> {
  const [slow, ...fast] = cluster.nodes;
  if (slow === undefined) throw new Error('a cluster has nodes');
  for (const { network } of fast) network.latency = 20;
  slow.network.latency = 40;
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
