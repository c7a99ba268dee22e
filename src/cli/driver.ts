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

/** Makes callers do operations: each one acquires a connection, runs one statement on it, and gives it back. */
export class Driver {
  readonly #pool: Lender;
  readonly #workload: Workload;
  readonly #measurements: Measurements;
  #outstanding = 0;
  /** Those of them that have a connection, and wait for the database. */
  #running = 0;
  /** Who gets a connection gives it back unused. */
  #abandoning = false;
  /** Nothing is measured any more. */
  #over = false;
  #onSettled: (() => void) | undefined;

  constructor(pool: Lender, workload: Workload, measurements: Measurements) {
    this.#pool = pool;
    this.#workload = workload;
    this.#measurements = measurements;
  }

  /** Begins operations as demanded until `stop`. Some are still under way when it resolves. */
  async drive(demand: Demand, stop: AbortSignal): Promise<void> {
    if ('rate' in demand) await this.#beginAtRate(demand.rate, stop);
    else for (let worker = 0; worker < demand.workers; worker++) void this.#work(stop);
    if (!stop.aborted) await new Promise((stopped) => stop.addEventListener('abort', stopped, { once: true }));
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
    while (!stop.aborted) {
      const succeeded = await this.#operate(performance.now());
      if (!succeeded) await pause(pauseAfterFailure, stop);
    }
  }

  /** The open model: what cannot begin in time begins late, and its latency counts from when it was due. */
  async #beginAtRate(rate: number, stop: AbortSignal): Promise<void> {
    const start = performance.now();
    const dueAt = (operation: number): number => start + (operation * 1_000) / rate;
    let next = 0;
    while (!stop.aborted) {
      const now = performance.now();
      for (; dueAt(next) <= now; next++) this.#beginDue(dueAt(next), now);
      await pause(dueAt(next) - now, stop);
    }
  }

  #beginDue(due: number, now: number): void {
    if (this.#outstanding >= mostOutstanding) this.#measurements.dropped++;
    else void this.#operate(now - due < timerStep ? now : due);
  }

  /** @returns whether it succeeded */
  async #operate(due: number): Promise<boolean> {
    this.#outstanding++;
    const succeeded = await this.#measured(due);
    this.#outstanding--;
    if (this.#outstanding === 0) this.#onSettled?.();
    return succeeded;
  }

  async #measured(due: number): Promise<boolean> {
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
}

/** Ends early at `stop`. */
async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => {});
}
