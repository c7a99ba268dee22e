import { setTimeout as sleep } from 'node:timers/promises';
import type { Demand } from './load-plan.js';
import type { Measurements } from './measurements.js';
import type { Queryable, Workload } from './workload.js';

/** Beyond so many operations under way, those that become due are dropped: memory is not endless. */
const mostOutstanding = 100_000;

/** A timer fires up to this many milliseconds late by itself; only what exceeds it delays an operation. */
const timerStep = 2;

/** How long, in milliseconds, a caller pauses after a failure, as every client should. */
const pauseAfterFailure = 10;

export type LentConnection = Queryable & { release(): void };

/** What is driven: a pool, as far as it lends connections. */
export interface Lender {
  acquire(): Promise<LentConnection>;
}

/** How operations reach the pool. */
export interface DriveOptions {
  /** An operation is a single call of this, instead of a lease. */
  readonly single?: Queryable | undefined;
  /** How many operations are begun at most. Default: no limit. */
  readonly most?: number | undefined;
}

/**
 * Makes callers do operations: each one acquires a connection, runs one statement on it, and gives it back; or makes a
 * single call of the pool.
 */
export class Driver {
  readonly #pool: Lender;
  readonly #workload: Workload;
  readonly #measurements: Measurements;
  readonly #single: Queryable | undefined;
  /** How many operations may still be begun. */
  #left: number;
  #outstanding = 0;
  /** Those of them that have a connection, and wait for the database. */
  #running = 0;
  /** Who gets a connection gives it back unused. */
  #abandoning = false;
  /** Nothing is measured any more. */
  #over = false;
  #onSettled: (() => void) | undefined;

  constructor(pool: Lender, workload: Workload, measurements: Measurements, options: DriveOptions = {}) {
    this.#pool = pool;
    this.#workload = workload;
    this.#measurements = measurements;
    this.#single = options.single;
    this.#left = options.most ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Begins operations as demanded until `stop`, or until as many were begun as there may be. Some are still under way when
   * it resolves; of workers only after `stop`.
   */
  async drive(demand: Demand, stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
    const begun =
      'rate' in demand
        ? this.#beginAtRate(demand.rate, stop)
        : Promise.all(Array.from({ length: demand.workers }, () => this.#work(stop)));
    await Promise.race([begun, stopped]);
  }

  /** Resolves when nothing is under way any more, at the latest after `patience` milliseconds. */
  async settled(patience: number): Promise<void> {
    if (this.#outstanding === 0) return;
    const end = new AbortController();
    await Promise.race([
      new Promise<void>((settled) => {
        this.#onSettled = settled;
      }),
      sleep(patience, undefined, { signal: end.signal }).catch(() => {}),
    ]);
    end.abort();
  }

  /** From now on whoever gets a connection gives it back unused; statements under way still end. */
  abandonWaiting(): void {
    this.#abandoning = true;
  }

  /** Measures nothing any more: what is still under way stays unfinished. */
  end(): void {
    this.#over = true;
    this.#measurements.unfinished += this.#outstanding;
    this.#measurements.unanswered = this.#running;
  }

  /** The closed model: a caller that waits asks for nothing else meanwhile. */
  async #work(stop: AbortSignal): Promise<void> {
    while (!stop.aborted && this.#left > 0) {
      const succeeded = await this.#operate(performance.now());
      if (!succeeded) await pause(pauseAfterFailure, stop);
    }
  }

  /** The open model: what cannot begin in time begins late, and its latency counts from when it was due. */
  async #beginAtRate(rate: number, stop: AbortSignal): Promise<void> {
    const start = performance.now();
    const dueAt = (operation: number): number => start + (operation * 1_000) / rate;
    let next = 0;
    while (!stop.aborted && this.#left > 0) {
      const now = performance.now();
      for (; dueAt(next) <= now && this.#left > 0; next++) this.#beginDue(dueAt(next), now);
      if (this.#left === 0) return;
      await pause(dueAt(next) - now, stop);
    }
  }

  #beginDue(due: number, now: number): void {
    if (this.#outstanding >= mostOutstanding) {
      this.#left--;
      this.#measurements.dropped++;
    } else void this.#operate(now - due < timerStep ? now : due);
  }

  /** @returns whether it succeeded */
  async #operate(due: number): Promise<boolean> {
    this.#left--;
    this.#outstanding++;
    const succeeded = await (this.#single === undefined ? this.#leased(due) : this.#called(due, this.#single));
    this.#outstanding--;
    if (this.#outstanding === 0) this.#onSettled?.();
    return succeeded;
  }

  async #leased(due: number): Promise<boolean> {
    const operation = this.#workload.next();
    const asked = performance.now();
    let lent: number | undefined;
    let connection: LentConnection | undefined;
    try {
      connection = await this.#pool.acquire();
      if (this.#abandoning) {
        if (!this.#over) this.#measurements.unfinished++;
        return false;
      }
      lent = performance.now();
      this.#running++;
      await operation.run(connection).finally(() => this.#running--);
      const ended = performance.now();
      if (!this.#over) this.#measurements.recordSuccess(operation.kind, { due, asked, lent, ended });
      return true;
    } catch (error) {
      const ended = performance.now();
      if (!this.#over) this.#measurements.recordFailure(error, { due, asked, lent, ended });
      return false;
    } finally {
      connection?.release();
    }
  }

  /** A single call of the pool, which does not tell when it got its connection. */
  async #called(due: number, pool: Queryable): Promise<boolean> {
    const operation = this.#workload.next();
    const lent = performance.now();
    this.#running++;
    try {
      await operation.run(pool);
      const ended = performance.now();
      if (!this.#over) this.#measurements.recordSuccess(operation.kind, { due, asked: undefined, lent, ended });
      return true;
    } catch (error) {
      const ended = performance.now();
      if (!this.#over) this.#measurements.recordFailure(error, { due, asked: undefined, lent, ended });
      return false;
    } finally {
      this.#running--;
    }
  }
}

/** Ends early at `stop`. */
async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => {});
}
