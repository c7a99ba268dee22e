import { Histogram, type HistogramSummary } from './histogram.js';

/** What is known of one kind of duration, in milliseconds: since the pool was made, and lately. */
export interface TimeSummary extends HistogramSummary {
  /** Of the last minute alone: what happens now is not hidden behind the quiet day before it. */
  readonly lastMinute: HistogramSummary;
}

/** In milliseconds. A summary of the last minute covers between 60 and 65 seconds. */
const sliceLength = 5_000;
const slicesInWindow = 12;

/**
 * A histogram that also knows the last minute. Samples go into a slice of five seconds; a slice that is over is added to
 * the total and kept until the window has passed it. So a sample costs one comparison more than in a plain histogram.
 * Slices change at the next sample or reading: there is no timer.
 */
export class RecentHistogram {
  /** Everything but the present slice. */
  readonly #before = new Histogram();
  /** The slices of the window, used again in turn. Each is made when time first comes to it. */
  #present = new Histogram();
  readonly #slices: Histogram[] = [this.#present];
  #at = 0;
  /** When the present slice is over; before the first sample there is none. */
  #sliceEnds = Number.NEGATIVE_INFINITY;

  /**
   * @param duration in milliseconds; a negative one counts as 0
   * @param now the present time on a monotonic clock, in milliseconds
   */
  record(duration: number, now: number): void {
    if (now >= this.#sliceEnds) this.#begin(now);
    this.#present.record(duration);
  }

  summary(now: number): TimeSummary {
    if (now >= this.#sliceEnds) this.#begin(now);
    const total = new Histogram();
    total.add(this.#before);
    total.add(this.#present);
    const window = new Histogram();
    for (const slice of this.#slices) window.add(slice);
    return { ...total.summary(), lastMinute: window.summary() };
  }

  /** Begins the slice of this moment. */
  #begin(now: number): void {
    if (this.#sliceEnds === Number.NEGATIVE_INFINITY) {
      this.#sliceEnds = now + sliceLength;
      return;
    }
    const passed = Math.floor((now - this.#sliceEnds) / sliceLength) + 1;
    this.#sliceEnds += passed * sliceLength;
    this.#before.add(this.#present);
    // After a pause as long as the window every slice of it is empty.
    for (let step = Math.min(passed, slicesInWindow + 1); step > 0; step--) {
      this.#at = (this.#at + 1) % (slicesInWindow + 1);
      const slice = this.#slices[this.#at] ?? new Histogram();
      slice.clear();
      this.#slices[this.#at] = slice;
      this.#present = slice;
    }
  }
}
