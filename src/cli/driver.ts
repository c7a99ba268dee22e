import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentLimitError } from '../errors/agent.js';
import type { Demand } from './load-plan.js';
import type { Measurements, Recorder } from './measurements.js';
import type { Random } from './seeded-random.js';
import type { Queryable, Workload } from './workload.js';

/** With this many operations under way, new ones are dropped to bound memory. */
const mostOutstanding = 100_000;

/** Timers normally fire up to this many milliseconds late; only a longer delay counts for an operation. */
const timerStep = 2;

/** How long a caller pauses after a failure, in milliseconds, as every client should. */
const pauseAfterFailure = 10;

export type LentConnection = Queryable & { release(): void };

/** The part of a pool that lends connections. */
export interface Lender {
  acquire(): Promise<LentConnection>;
}

/** Who makes operations: all of the pool, or one agent of it. */
export interface Caller {
  readonly pool: Lender;
  /** If set, each operation is a single call of this, instead of a lease. */
  readonly single: Queryable | undefined;
  readonly workers: number;
  /** How long each worker thinks between two operations in the mean, in milliseconds; 0: not at all. */
  readonly think: number;
  readonly recorder: Recorder;
}

/** How operations use the pool. */
export interface DriveOptions {
  /** If set, each operation is a single call of this, instead of a lease. */
  readonly single?: Queryable | undefined;
  /** The most operations to begin. Default: no limit. */
  readonly most?: number | undefined;
  /** The agents that have the workers. Default: all workers use the pool itself. */
  readonly agents?: readonly Caller[] | undefined;
  /** Random numbers for how long workers think. */
  readonly random?: Random | undefined;
}

/**
 * Runs operations by many callers: each acquires a connection, runs one statement on it and gives it back, or makes a
 * single call of the pool.
 */
export class Driver {
  readonly #workload: Workload;
  readonly #measurements: Measurements;
  readonly #plain: Omit<Caller, 'workers'>;
  readonly #agents: readonly Caller[] | undefined;
  readonly #random: Random;
  /** Aborted when no further operation is to begin, which ends all pauses. */
  readonly #done = new AbortController();
  /** How many operations may still be begun. */
  #left: number;
  #outstanding = 0;
  /** Operations that have a connection and wait for the database. */
  #running = 0;
  /** Set when callers give connections back unused. */
  #abandoning = false;
  /** Set when nothing is measured any more. */
  #over = false;
  #onSettled: (() => void) | undefined;

  constructor(pool: Lender, workload: Workload, measurements: Measurements, options: DriveOptions = {}) {
    this.#workload = workload;
    this.#measurements = measurements;
    this.#plain = { pool, single: options.single, think: 0, recorder: measurements };
    this.#agents = options.agents;
    this.#random = options.random ?? Math.random;
    // Each worker that pauses listens to it.
    setMaxListeners(0, this.#done.signal);
    this.#left = options.most ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Begins operations as demanded until `stop`, until the most were begun, or until every agent has used up what its
   * limits allow it in all. When it resolves, some may still be under way; with workers only after `stop`.
   */
  async drive(demand: Demand, stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
    stop.addEventListener('abort', () => this.#done.abort(), { once: true });
    const begun =
      'rate' in demand
        ? this.#beginAtRate(demand.rate)
        : Promise.all(
            (this.#agents ?? [{ ...this.#plain, workers: demand.workers }]).flatMap((caller) =>
              Array.from({ length: caller.workers }, () => this.#work(caller)),
            ),
          );
    await Promise.race([begun, stopped]);
  }

  /** Resolves when no operation is under way, after `patience` milliseconds at the latest. */
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

  /** From now on callers that get a connection give it back unused; statements under way still end. */
  abandonWaiting(): void {
    this.#abandoning = true;
  }

  /** Stops measuring: operations still under way count as unfinished. */
  end(): void {
    this.#over = true;
    this.#measurements.unfinished += this.#outstanding;
    this.#measurements.unanswered = this.#running;
  }

  /** The closed model: a waiting caller begins nothing else meanwhile. */
  async #work(caller: Caller): Promise<void> {
    const done = this.#done.signal;
    // Not all of them begin at once.
    if (caller.think > 0) await pause(caller.think * this.#random(), done);
    while (!done.aborted) {
      const failure = await this.#operate(performance.now(), caller);
      if (failure === undefined) {
        if (caller.think > 0) await pause(caller.think * (0.5 + this.#random()), done);
      } else {
        const after = pauseAfter(failure.error);
        if (after === undefined) return;
        await pause(after, done);
      }
    }
  }

  /**
   * The open model: an operation that cannot begin in time begins late, and its latency counts from when it was due.
   */
  async #beginAtRate(rate: number): Promise<void> {
    const done = this.#done.signal;
    const start = performance.now();
    const dueAt = (operation: number): number => start + (operation * 1_000) / rate;
    let next = 0;
    while (!done.aborted) {
      const now = performance.now();
      for (; dueAt(next) <= now && this.#left > 0; next++) this.#beginDue(dueAt(next), now);
      if (this.#left === 0) return;
      await pause(dueAt(next) - now, done);
    }
  }

  #beginDue(due: number, now: number): void {
    if (this.#outstanding >= mostOutstanding) {
      this.#countBegun();
      this.#measurements.dropped++;
    } else void this.#operate(now - due < timerStep ? now : due, this.#plain);
  }

  #countBegun(): void {
    this.#left--;
    if (this.#left <= 0) this.#done.abort();
  }

  async #operate(due: number, caller: Omit<Caller, 'workers'>): Promise<Failure | undefined> {
    this.#countBegun();
    this.#outstanding++;
    const { single } = caller;
    const failure = await (single === undefined ? this.#leased(due, caller) : this.#called(due, single, caller));
    this.#outstanding--;
    if (this.#outstanding === 0) this.#onSettled?.();
    return failure;
  }

  async #leased(due: number, { pool, recorder }: Pick<Caller, 'pool' | 'recorder'>): Promise<Failure | undefined> {
    const operation = this.#workload.next();
    const asked = performance.now();
    let lent: number | undefined;
    let connection: LentConnection | undefined;
    try {
      connection = await pool.acquire();
      if (this.#abandoning) {
        if (!this.#over) this.#measurements.unfinished++;
        return undefined;
      }
      lent = performance.now();
      this.#running++;
      await operation.run(connection).finally(() => this.#running--);
      const ended = performance.now();
      if (!this.#over) recorder.recordSuccess(operation.kind, { due, asked, lent, ended });
      return undefined;
    } catch (error) {
      const ended = performance.now();
      if (!this.#over) recorder.recordFailure(error, { due, asked, lent, ended });
      return { error };
    } finally {
      connection?.release();
    }
  }

  /** Makes a single call of the pool, which does not report when it got its connection. */
  async #called(due: number, single: Queryable, { recorder }: Pick<Caller, 'recorder'>): Promise<Failure | undefined> {
    const operation = this.#workload.next();
    const lent = performance.now();
    this.#running++;
    try {
      await operation.run(single);
      const ended = performance.now();
      if (!this.#over) recorder.recordSuccess(operation.kind, { due, asked: undefined, lent, ended });
      return undefined;
    } catch (error) {
      const ended = performance.now();
      if (!this.#over) recorder.recordFailure(error, { due, asked: undefined, lent, ended });
      return { error };
    } finally {
      this.#running--;
    }
  }
}

interface Failure {
  readonly error: unknown;
}

/** How long a worker pauses after a failure, in milliseconds; undefined when its agent may make no operation any more. */
function pauseAfter(error: unknown): number | undefined {
  if (!(error instanceof AgentLimitError)) return pauseAfterFailure;
  return error.limit === 'maxOperations' ? undefined : Math.max(pauseAfterFailure, error.retryAfter ?? 0);
}

/** Ends early at `stop`. */
async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => {});
}
