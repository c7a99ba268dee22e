import { Histogram } from '../pool/histogram.js';
import { errorClass } from './error-class.js';

export type OperationKind = 'read' | 'write';

/** When the steps of one operation happened, on the clock of `performance.now()`. */
export interface Steps {
  /** When it should have begun: its latency counts from here. */
  readonly due: number;
  /** When a connection was asked for; undefined for a single call of the pool, which does not tell when it got one. */
  readonly asked: number | undefined;
  /** When it got its connection, or a single call was made; undefined if it never did. */
  readonly lent: number | undefined;
  readonly ended: number;
}

/** How often errors of one class happened, and what the first of them said. */
export interface ErrorCount {
  readonly count: number;
  readonly message: string;
}

/** What happened since the last look. */
export interface Interval {
  readonly duration: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly p99: number;
}

/** Everything that is measured while the load runs. Operations that failed count in the times as those that did not. */
export class Measurements {
  /** From asking for a connection to having it, or being refused. */
  readonly wait: Histogram = new Histogram();
  /** From having a connection, or making a single call, to the answer of the database. */
  readonly query: Histogram = new Histogram();
  /** From the moment an operation was due to its end. */
  readonly latency: Histogram = new Histogram();
  readonly succeeded: Record<OperationKind, number> = { read: 0, write: 0 };
  readonly errors: Map<string, ErrorCount> = new Map();
  failed = 0;
  /** Those that had not ended when the run was over. */
  unfinished = 0;
  /** Those of the unfinished whose statement the database had not answered. */
  unanswered = 0;
  /** Those that never began, because too many were under way. */
  dropped = 0;
  /** How many succeeded in each second since the start. */
  readonly perSecond: number[] = [];
  /** How long operations were begun, and how many had succeeded by the end of that. */
  elapsed = 0;
  inTime = 0;

  readonly started: number;
  #recent = new Histogram();
  #recentlyFailed = 0;
  #looked: number;

  constructor(now: number) {
    this.started = now;
    this.#looked = now;
  }

  recordSuccess(kind: OperationKind, steps: Steps): void {
    this.#recordTimes(steps);
    this.succeeded[kind]++;
    const second = Math.floor((steps.ended - this.started) / 1_000);
    while (this.perSecond.length <= second) this.perSecond.push(0);
    this.perSecond[second] = (this.perSecond[second] ?? 0) + 1;
  }

  recordFailure(error: unknown, steps: Steps): void {
    this.#recordTimes(steps);
    this.failed++;
    this.#recentlyFailed++;
    const name = errorClass(error);
    const { count, message } = this.errors.get(name) ?? {
      count: 0,
      message: error instanceof Error ? error.message : String(error),
    };
    this.errors.set(name, { count: count + 1, message });
  }

  /** No operation is begun any more; those under way still count, but not for the throughput. */
  stop(now: number): void {
    this.elapsed = now - this.started;
    this.inTime = this.succeeded.read + this.succeeded.write;
  }

  /** What happened since this was last called. */
  interval(now: number): Interval {
    const interval = {
      duration: now - this.#looked,
      succeeded: this.#recent.count - this.#recentlyFailed,
      failed: this.#recentlyFailed,
      p99: this.#recent.quantile(0.99),
    };
    this.#recent = new Histogram();
    this.#recentlyFailed = 0;
    this.#looked = now;
    return interval;
  }

  #recordTimes({ due, asked, lent, ended }: Steps): void {
    if (asked !== undefined) this.wait.record((lent ?? ended) - asked);
    if (lent !== undefined) this.query.record(ended - lent);
    this.latency.record(ended - due);
    this.#recent.record(ended - due);
  }
}
