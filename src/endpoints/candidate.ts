import type { PeakEwma } from './peak-ewma.js';

/** What a strategy sees of an endpoint. */
export interface Candidate {
  /**
   * Its part of the load, relative to those of the others; 1 is an even part. One with 0 is chosen only when no other
   * of its standing was found.
   */
  readonly share: number;
  /** Leases there: of whole connections, and of single calls. */
  readonly inUse: number;
  /** One that is not well is chosen only when no well one was found. */
  readonly isWell: boolean;
  /** How long a round trip takes. */
  readonly latency: PeakEwma;
  /** How much of what was tried there lately succeeded, from 0 to 1. */
  readonly health: number;
  /** The virtual time of its last turn, at first 0. Only the strategy writes it. */
  turn: number;
}

/**
 * Chooses the endpoint whose idle connection is lent.
 *
 * The candidates are in no order, and others at each call: those that have an idle connection. There must be at least
 * one; a strategy throws a RangeError when there is none. A choice looks at 8 of them at most, and at up to 32 when none
 * of those is well, so it takes about the same time with 3 and with 300.
 */
export interface Strategy {
  /** @param now the time in milliseconds */
  choose<C extends Candidate>(candidates: readonly C[], now: number): C;
}
