import type { Logger } from '../logger.js';
import type { Clock, Timer } from '../time/clock.js';
import { inOwnContext } from '../time/own-context.js';

/** One line of the log. */
export interface Line {
  readonly level: keyof Logger;
  readonly message: string;
  readonly details: object;
}

/** The lines of one reason held back since the last was written. */
interface Reason {
  writtenAt: number;
  held: number;
  latest: Line;
}

/** How long, in milliseconds, lines of one reason are counted instead of written. */
const pause = 10_000;
/** How many reasons are distinguished. Further ones share the line of their kind. */
const mostReasons = 100;

/**
 * Writes the first line of each reason at once. Further lines within ten seconds are counted; after that the latest is
 * written with their count. Otherwise an outage under load would fill the log and hide all else.
 */
export class RepeatedLines {
  readonly #clock: Clock;
  readonly #write: (line: Line) => void;
  readonly #reasons = new Map<string, Reason>();
  #timer: Timer | undefined;

  constructor(clock: Clock, write: (line: Line) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /**
   * @param kind what happened
   * @param why what distinguishes it from others of its kind
   */
  add(kind: string, why: string, line: Line): void {
    const now = this.#clock.now();
    const key = this.#keyOf(kind, why, now);
    const reason = this.#reasons.get(key);
    if (reason === undefined) {
      this.#reasons.set(key, { writtenAt: now, held: 0, latest: line });
      this.#write(line);
      return;
    }
    reason.latest = line;
    reason.held++;
    if (now - reason.writtenAt >= pause) this.#tell(reason, now);
    else this.#arm(now);
  }

  /** Writes the lines held back, when their cause is over. */
  flush(): void {
    const now = this.#clock.now();
    for (const reason of this.#reasons.values()) if (reason.held > 0) this.#tell(reason, now);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #keyOf(kind: string, why: string, now: number): string {
    const key = `${kind}: ${why}`;
    if (this.#reasons.has(key) || this.#reasons.size < mostReasons) return key;
    for (const [old, { held, writtenAt }] of this.#reasons) {
      if (held === 0 && now - writtenAt >= pause) this.#reasons.delete(old);
    }
    return this.#reasons.size < mostReasons ? key : kind;
  }

  #tell(reason: Reason, now: number): void {
    const { level, message, details } = reason.latest;
    const { held } = reason;
    const seconds = Math.max(1, Math.round((now - reason.writtenAt) / 1000));
    reason.held = 0;
    reason.writtenAt = now;
    // A single held line is written without a count.
    if (held === 1) this.#write(reason.latest);
    else {
      this.#write({
        level,
        message: `${message} (${held} times in ${seconds} s; this is the latest)`,
        details: { ...details, repeated: held },
      });
    }
  }

  #arm(now: number): void {
    if (this.#timer !== undefined) return;
    let due = Number.POSITIVE_INFINITY;
    for (const { held, writtenAt } of this.#reasons.values()) if (held > 0) due = Math.min(due, writtenAt + pause);
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = inOwnContext(() => this.#clock.timer(due - now, false, () => this.#onTime()));
  }

  #onTime(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const reason of this.#reasons.values()) {
      if (reason.held > 0 && now - reason.writtenAt >= pause) this.#tell(reason, now);
    }
    this.#arm(now);
  }
}
