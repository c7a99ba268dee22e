import { Histogram } from '../../pool/histogram.js';
import type { Measurements } from '../measurements.js';
import type { Moments } from './moments.js';
import type { PlannedUnit } from './replay-plan.js';

/** A connection that was lent. */
export interface Lent {
  release(): void;
}

/** Lends a connection for a unit. */
export type Lend = (unit: PlannedUnit) => Promise<Lent>;

/**
 * Does the units of a plan again, in the open model: each asks for a connection when it is due, whether or not others
 * still wait, so that waits are not hidden. It has its connection for as long as it was recorded.
 */
export class Replay {
  readonly #units: readonly PlannedUnit[];
  readonly #lend: Lend;
  readonly #moments: Moments;
  readonly #measurements: Measurements;
  readonly #start: number;
  /** How late units asked, and gave their connections back, in milliseconds. */
  readonly lateness: Histogram = new Histogram();
  #begun = 0;
  #outstanding = 0;
  #calls = 0;
  #timeHeld = 0;
  #mostLent = 0;
  readonly #held = new Set<Lent>();
  #isStopped = false;
  #settle: (() => void) | undefined;

  constructor(units: readonly PlannedUnit[], lend: Lend, moments: Moments, measurements: Measurements) {
    this.#units = units;
    this.#lend = lend;
    this.#moments = moments;
    this.#measurements = measurements;
    this.#start = moments.now();
  }

  /** Units that asked for a connection. */
  get begun(): number {
    return this.#begun;
  }

  /** The calls of the units that had their connection to the end. */
  get calls(): number {
    return this.#calls;
  }

  /** How long connections were lent, in all. */
  get timeHeld(): number {
    return this.#timeHeld;
  }

  /** The most connections that were lent at a time. */
  get mostLent(): number {
    return this.#mostLent;
  }

  /** Resolves when all units have ended, or after {@link stop} those that were under way. */
  run(): Promise<void> {
    return new Promise((settle) => {
      this.#settle = settle;
      if (this.#units.length === 0) settle();
      else this.#next();
    });
  }

  /** Begins no more units, and ends those that have a connection. */
  stop(): void {
    this.#isStopped = true;
    for (const lent of this.#held) lent.release();
    this.#measurements.unfinished += this.#outstanding;
    this.#held.clear();
    this.#settle?.();
  }

  #next(): void {
    const unit = this.#units[this.#begun];
    if (unit === undefined || this.#isStopped) return;
    const due = this.#start + unit.due;
    this.#moments.at(due, () => {
      if (this.#isStopped) return;
      this.#begun++;
      this.#outstanding++;
      void this.#do(unit, due);
      this.#next();
    });
  }

  async #do(unit: PlannedUnit, due: number): Promise<void> {
    const asked = this.#moments.now();
    this.lateness.record(asked - due);
    let lent: number | undefined;
    try {
      const connection = await this.#lend(unit);
      lent = this.#moments.now();
      if (this.#isStopped) {
        connection.release();
        return;
      }
      await this.#hold(connection, lent + unit.hold);
      const ended = this.#moments.now();
      this.#timeHeld += ended - lent;
      if (this.#isStopped) return;
      this.#calls += unit.calls;
      this.#measurements.recordSuccess(unit.kind, { due, asked, lent, ended });
    } catch (error) {
      if (!this.#isStopped) this.#measurements.recordFailure(error, { due, asked, lent, ended: this.#moments.now() });
    }
    this.#outstanding--;
    if (this.#outstanding === 0 && this.#begun === this.#units.length) this.#settle?.();
  }

  #hold(connection: Lent, until: number): Promise<void> {
    this.#held.add(connection);
    this.#mostLent = Math.max(this.#mostLent, this.#held.size);
    return new Promise((ended) => {
      this.#moments.at(until, () => {
        // When it was stopped, the connection is given back already.
        if (this.#held.delete(connection)) {
          this.lateness.record(this.#moments.now() - until);
          connection.release();
        }
        ended();
      });
    });
  }
}
