import { systemClock } from '../time/clock.js';
import type { EncodedValue } from './encoded-value.js';

/** A stretch of time, in milliseconds. */
export interface TimeWindow {
  readonly from: number;
  readonly until: number;
}

/** Asks the server for its time. */
export const askTime = 'RETURN time::now()';

/**
 * The server's clock, against that of this process (`performance.now()`). The server reads it behind the begin of a
 * transaction and before anything else there: times that others had committed by then are earlier. The offset is known
 * only to within the round trip, so a window of this process is widened by that.
 */
export class ServerClock {
  /** When the server was asked, in milliseconds since 1970 of the server. */
  readonly #asked: number;
  readonly #leastOffset: number;
  readonly #mostOffset: number;

  /** @param asked when this process asked, and got the answer */
  constructor(answer: EncodedValue | undefined, asked: TimeWindow) {
    const moment = answer?.moment;
    if (moment === undefined) throw new TypeError('the server did not tell its time');
    this.#asked = milliseconds(moment);
    this.#leastOffset = this.#asked - asked.until;
    this.#mostOffset = this.#asked - asked.from;
  }

  /** Whether the server may have made this time within a window of this process. */
  isWithin(moment: bigint, { from, until }: TimeWindow): boolean {
    const time = milliseconds(moment);
    return time >= from + this.#leastOffset && time <= until + this.#mostOffset;
  }

  /** Whether the server may have made this time between the question and now. */
  isSince(moment: bigint): boolean {
    const time = milliseconds(moment);
    return time >= this.#asked && time <= systemClock.now() + this.#mostOffset;
  }
}

function milliseconds(moment: bigint): number {
  return Number(moment) / 1e6;
}
