import { type Random, shuffled } from '../support/seeded-random.js';
import { type ClusterFault, clusterFaults } from './cluster-faults.js';
import { type KindOfWork, kindsOfWork } from './workload.js';

export const strategies = ['round-robin', 'least-connections', 'random', 'health-based', 'latency'] as const;
export type Strategy = (typeof strategies)[number];

/** One case of the matrix. */
export interface Cell {
  readonly fault: ClusterFault;
  /** How many of the three nodes it strikes. */
  readonly struck: number;
  readonly work: KindOfWork;
  readonly strategy: Strategy;
}

/** Every fault, at one, two and three of three nodes, under every kind of work, with every strategy. */
export const cells: readonly Cell[] = clusterFaults.flatMap((fault) =>
  [1, 2, 3].flatMap((struck) =>
    kindsOfWork.flatMap((work) => strategies.map((strategy) => ({ fault, struck, work, strategy }))),
  ),
);

export function nameOf({ fault, struck, work, strategy }: Cell): string {
  return `${fault.name}, ${struck} of 3, ${work}, ${strategy}`;
}

/** So many cells drawn at random, of as many faults as there are. */
export function sample(random: Random, count: number, from: readonly Cell[] = cells): Cell[] {
  const drawn = shuffled(random, from);
  const firsts = new Map<ClusterFault, Cell>();
  for (const cell of drawn) if (!firsts.has(cell.fault)) firsts.set(cell.fault, cell);
  const first = [...firsts.values()];
  return [...first, ...drawn.filter((cell) => !first.includes(cell))].slice(0, count);
}
