import type { LoadFigures } from './load-figures.js';
import type { reportSchema } from './load-report.js';
import type { Choice, SizeJudged } from './sweep-choice.js';
import type { Versions } from './versions.js';

/** The settings and results of a sweep. Times are in milliseconds, shares in percent. Contains no secret. */
export interface SweepFigures extends Choice {
  readonly sweep: Pick<
    LoadFigures['load'],
    'endpoint' | 'engine' | 'namespace' | 'database' | 'singleCalls' | 'mix' | 'statements'
  > & {
    readonly workers: number;
    /** The seed for the order of sizes in each round and for the operations. */
    readonly seed: number;
    readonly rounds: number;
    /** How long one measurement took, including its warm-up. */
    readonly time: number;
  };
  readonly sizes: readonly (SizeJudged & {
    /** The share of time in which this process was computing. */
    readonly processBusy: number;
    /** The errors of all rounds, without conflicts. */
    readonly errors: number;
  })[];
}

export interface SweepReport extends Omit<SweepFigures, 'recommended'> {
  /** Null when operations failed, or none was done, so that the sizes cannot be compared. */
  readonly recommended: number | null;
  readonly schema: typeof reportSchema;
  readonly versions: Versions;
  /** For people: which size, why, and what is not proven. */
  readonly sentences: readonly string[];
}
