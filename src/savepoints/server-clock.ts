import { systemClock } from '../time/clock.js';
import type { EncodedValue } from './encoded-value.js';

/** A stretch of time, in milliseconds. */
export interface TimeWindow {
  readonly from: number;
  readonly until: number;
}

/** The query for the server's time. */
export const askTime = 'RETURN time::now()';

/**
 * Converts times of this process (`performance.now()`) to the server's clock. The server reads its clock after the
 * begin of a transaction and before anything else in it, so times committed by others are earlier. The offset is known
 * only to within the round trip, so a window of this process is widened by it.
 */
export class ServerClock {
  /** When the server was asked, by its clock, in milliseconds since 1970. */
  readonly #asked: number;
  readonly #leastOffset: number;
  readonly #mostOffset: number;

  /** @param asked when this process sent the question and got the answer */
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
