import type { Conduct } from '../support/front-program.js';
import type { ClusterNode } from './cluster.js';

/** Where the nodes are found, as a name server would say it. */
export interface Directory {
  /** Nodes that are at their second address now. */
  readonly moved: Set<ClusterNode>;
  /** The name server does not answer. */
  isAway: boolean;
}

/** Something that goes wrong with one node, from the call of `strike()` until what that returns is called. */
export interface ClusterFault {
  readonly name: string;
  /** It is about the way in which nodes are found: the pool has to have a directory. */
  readonly needsDirectory?: boolean;
  /** Only fronts can do this to their clients. */
  readonly needsFront?: boolean;
  /** The node has another store meanwhile. */
  readonly changesStore?: boolean;
  strike(node: ClusterNode, directory: Directory): (() => Promise<void> | void) | Promise<() => Promise<void> | void>;
}

/** A front behaves in this way. */
function conduct(name: string, ...kinds: readonly [Conduct, ...Conduct[]]): ClusterFault {
  let next = 0;
  return {
    name,
    needsFront: true,
    async strike({ process }) {
      await process.behave?.(kinds[next++ % kinds.length] ?? kinds[0]);
      return async () => process.behave?.('well');
    },
  };
}

/** Milliseconds between two resets of all connections. */
const resetEvery = 50;

export const clusterFaults: readonly ClusterFault[] = [
  {
    name: 'SIGKILL',
    strike({ process }) {
      const killed = process.kill();
      return async () => {
        await killed;
        await process.start();
      };
    },
  },
  {
    name: 'SIGSTOP',
    strike({ process }) {
      process.suspend();
      return () => process.resume();
    },
  },
  {
    name: 'RST',
    strike({ network }) {
      network.cut();
      const again = setInterval(() => network.cut(), resetEvery);
      return () => clearInterval(again);
    },
  },
  {
    name: 'half-open',
    strike({ network }) {
      network.abandon();
      // A machine that comes back knows nothing of its old sockets.
      return () => network.cutAbandoned();
    },
  },
  {
    name: 'black hole',
    strike({ network }) {
      network.silence();
      return () => network.resume();
    },
  },
  {
    name: '100 ms latency',
    strike({ network }) {
      // Once in each direction.
      network.latency = 50;
      return () => {
        network.latency = 0;
      };
    },
  },
  {
    name: '1 kB/s',
    strike({ network }) {
      network.bytesPerSecond = 1_000;
      return () => {
        network.bytesPerSecond = Number.POSITIVE_INFINITY;
      };
    },
  },
  conduct('503 on upgrade', '503', '503 with Retry-After'),
  conduct('shutting down', 'shutting down'),
  conduct('1013, no room', 'no room'),
  conduct('1013, lagging', 'lagging'),
  { ...conduct('wrong store', 'other store'), changesStore: true },
  {
    name: 'DNS change',
    needsDirectory: true,
    async strike(node, { moved }) {
      moved.add(node);
      await node.moved.accept();
      node.network.refuse();
      node.network.cut();
      return async () => {
        moved.delete(node);
        await node.network.accept();
        node.moved.refuse();
        node.moved.cut();
      };
    },
  },
  {
    name: 'DNS failure',
    needsDirectory: true,
    strike({ network }, directory) {
      directory.isAway = true;
      network.cut();
      return () => {
        directory.isAway = false;
      };
    },
  },
  conduct('auth revoked', 'auth revoked'),
];
