import { type ConnectionManager, createPool, type PoolOptions } from '../../src/index.js';
import { type Cluster, credentials, place } from './cluster.js';
import type { Directory } from './cluster-faults.js';

export function newDirectory(): Directory {
  return { moved: new Set(), isAway: false };
}

/** A pool on the nodes of a cluster: on a list of their addresses, or, with a directory, on what that says. */
export function clusterPool(
  { nodes }: Cluster,
  options: Partial<PoolOptions>,
  directory?: Directory,
): Promise<ConnectionManager> {
  const all = { ...place, credentials, ...options };
  if (directory === undefined)
    return createPool(
      nodes.map(({ network }) => network.url),
      all,
    );
  const { moved } = directory;
  const discover = async (): Promise<string[]> => {
    if (directory.isAway) throw new Error('the name server does not answer');
    return nodes.map((node) => (moved.has(node) ? node.moved : node.network).url);
  };
  return createPool({ discover }, all);
}
