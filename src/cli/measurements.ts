import { AgentLimitError } from '../errors/agent.js';
import { Histogram } from '../pool/histogram.js';
import { errorClass } from './error-class.js';

export type OperationKind = 'read' | 'write';

/** When the steps of one operation happened, on the clock of `performance.now()`. */
export interface Steps {
  /** When it was due: its latency counts from here. */
  readonly due: number;
  /** When it asked for a connection; undefined for a single call of the pool, which does not report when it got one. */
  readonly asked: number | undefined;
  /** When it got its connection, or made its single call; undefined if it never did. */
  readonly lent: number | undefined;
  readonly ended: number;
}

/** How often errors of one class happened, and the message of the first. */
export interface ErrorCount {
  readonly count: number;
  readonly message: string;
}

/** What happened since the last update. */
export interface Interval {
  readonly duration: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly p99: number;
}

/** Where it is written down how an operation ended. */
export interface Recorder {
  recordSuccess(kind: OperationKind, steps: Steps): void;
  recordFailure(error: unknown, steps: Steps): void;
}

/** All measurements of a load. The times include failed operations, but not refused ones. */
export class Measurements implements Recorder {
  /** From asking for a connection to getting it, or being refused. */
  readonly wait: Histogram = new Histogram();
  /** From getting a connection, or making a single call, to the answer of the database. */
  readonly query: Histogram = new Histogram();
  /** From when an operation was due to its end. */
  readonly latency: Histogram = new Histogram();
  readonly succeeded: Record<OperationKind, number> = { read: 0, write: 0 };
  readonly errors: Map<string, ErrorCount> = new Map();
  failed = 0;
  /** Operations that a limit of their agent refused. They count nowhere else. */
  refused = 0;
  /** Operations that had not ended when the run was over. */
  unfinished = 0;
  /** Unfinished operations whose statement the database had not answered. */
  unanswered = 0;
  /** Operations never begun, because too many were under way. */
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
    if (error instanceof AgentLimitError) {
      this.refused++;
      return;
    }
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

  /** No further operation begins; those under way still count, but not for the throughput. */
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
