import { outcomeOf } from '../../errors/outcome.js';
import { Histogram } from '../../pool/histogram.js';
import { errorClass } from '../error-class.js';
import type { ErrorCount } from '../measurements.js';

/** A call that takes this much longer than any did while all was well, in milliseconds, was noticed by its caller. */
const noticeable = 50;

/** How the calls went that ended in one part of the run. Times are in milliseconds. */
export interface PartFigures {
  readonly title: string;
  readonly lasted: number;
  readonly calls: number;
  readonly failed: number;
  /** Calls that failed, or took more than 50 ms longer than any while all was well. */
  readonly noticed: number;
  /** When the last of these ended, since the part began: then service was full again. 0: there was none. */
  readonly noticedUntil: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /**
   * When each server had its share of the connections again, since the part began; null: it had not, or no server comes back in this
   * part.
   */
  readonly sharedAfter: number | null;
}

interface Part {
  readonly title: string;
  /** Whether a server comes back in it. */
  readonly isReturn: boolean;
  readonly began: number;
  readonly latency: Histogram;
  failed: number;
  noticed: number;
  noticedUntil: number;
  sharedAfter: number | null;
  ended: number;
}

/** What callers noticed, part by part of the run. */
export class Calls {
  /** By the class of the error and what became of the call: `connection-lost, unknown`. */
  readonly errors: Map<string, ErrorCount> = new Map();
  readonly #parts: Part[] = [];

  get title(): string {
    return this.#parts.at(-1)?.title ?? '';
  }

  /** Something happens to a server. */
  enter(title: string, isReturn: boolean, now: number): void {
    this.leave(now);
    const latency = new Histogram();
    this.#parts.push({
      title,
      isReturn,
      began: now,
      latency,
      failed: 0,
      noticed: 0,
      noticedUntil: 0,
      sharedAfter: null,
      ended: now,
    });
  }

  leave(now: number): void {
    const part = this.#parts.at(-1);
    if (part !== undefined) part.ended = now;
  }

  /** Each server has its share. */
  shared(now: number): void {
    const part = this.#parts.at(-1);
    if (part?.isReturn === true) part.sharedAfter ??= now - part.began;
  }

  ended(took: number, now: number, error: unknown): void {
    const part = this.#parts.at(-1);
    if (part === undefined) return;
    part.latency.record(took);
    if (error !== undefined) {
      part.failed++;
      this.#count(error);
    }
    if (error === undefined && took <= this.#noticeable()) return;
    part.noticed++;
    part.noticedUntil = now - part.began;
  }

  get figures(): PartFigures[] {
    return this.#parts.map(({ title, began, latency, failed, noticed, noticedUntil, sharedAfter, ended }) => ({
      ...{ title, lasted: ended - began, calls: latency.count, failed, noticed, noticedUntil },
      p50: latency.quantile(0.5),
      p99: latency.quantile(0.99),
      longest: latency.summary().max,
      sharedAfter,
    }));
  }

  /** While all is well there is nothing to notice yet. */
  #noticeable(): number {
    const [well, ...others] = this.#parts;
    const isBegin = well === undefined || others.length === 0;
    return isBegin ? Number.POSITIVE_INFINITY : well.latency.summary().max + noticeable;
  }

  #count(error: unknown): void {
    const name = `${errorClass(error)}, ${outcomeOf(error)}`;
    const { count, message } = this.errors.get(name) ?? {
      count: 0,
      message: error instanceof Error ? error.message : String(error),
    };
    this.errors.set(name, { count: count + 1, message });
  }
}
