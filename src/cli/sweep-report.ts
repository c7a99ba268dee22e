import type { LoadFigures } from './load-figures.js';
import type { reportSchema } from './load-report.js';
import type { Choice, SizeJudged } from './sweep-choice.js';
import type { Versions } from './versions.js';

/** What a sweep was and what it measured. Times are in milliseconds, shares in percent. Holds no secret. */
export interface SweepFigures extends Choice {
  readonly sweep: Pick<
    LoadFigures['load'],
    'endpoint' | 'engine' | 'namespace' | 'database' | 'singleCalls' | 'mix' | 'statements'
  > & {
    readonly workers: number;
    /** The order of the sizes in each round, and what operations draw, come from this. */
    readonly seed: number;
    readonly rounds: number;
    /** How long one measurement took, its warm-up included. */
    readonly time: number;
  };
  readonly sizes: readonly (SizeJudged & {
    /** How much of the time this process computed. */
    readonly processBusy: number;
    /** In all rounds, without conflicts. */
    readonly errors: number;
  })[];
}

export interface SweepReport extends Omit<SweepFigures, 'recommended'> {
  /** Null when operations failed, or none was done: then the sizes cannot be compared. */
  readonly recommended: number | null;
  readonly schema: typeof reportSchema;
  readonly versions: Versions;
  /** For a person: which size, why, and what is not proven. */
  readonly sentences: readonly string[];
}
