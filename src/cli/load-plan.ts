import type { GivenLimits } from '../agents/limits.js';

/** The proportion of reads and writes, as weights. */
export interface Mix {
  readonly read: number;
  readonly write: number;
}

/** When the next operation begins: after the last one of each of `workers` callers, or at a fixed `rate` per second. */
export type Demand = { readonly workers: number } | { readonly rate: number };

/** The agent sessions that share the workers of a load. */
export interface AgentPlan {
  readonly count: number;
  /** How many of them are greedy: their workers never pause. The others are light: their workers think. */
  readonly greedy: number;
  /** How long the worker of a light agent thinks between two operations in the mean, in milliseconds. */
  readonly think: number;
  /** The weights of the agents, in turn. */
  readonly weights: readonly number[];
  /** The limits of each agent. */
  readonly limits: GivenLimits;
}

/** A statement of the user, run as an operation. */
export interface Statement {
  /** Its name in reports: `query 1`, or the name of its file. */
  readonly name: string;
  readonly text: string;
  /** How often it is chosen, relative to the weights of the others. */
  readonly weight: number;
}
