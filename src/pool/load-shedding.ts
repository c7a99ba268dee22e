import type { Clock, Timer } from '../time/clock.js';
import type { Delay, Tenant } from './tenant.js';

/** A waiter, as the shedding sees it. */
export interface Sheddable {
  readonly tenant: Tenant;
  readonly since: number;
}

/** When waiters are refused because callers wait too long. Durations in milliseconds. */
export interface SheddingSettings {
  /** How long callers may wait, at the least of an interval. 0: no waiter is refused for that. */
  readonly target: number;
  readonly interval: number;
}

/** What the shedding asks of the line. */
export interface SheddingLine<W> {
  /** The waiter that has waited longest. */
  readonly oldest: W | undefined;
  /** Whether connections are lent at all. */
  isOpen(): boolean;
  refuse(waiter: W, retryAfter: number): void;
}

/**
 * Refuses waiters while the pool is overloaded, so that those who are served do not wait long. For each tenant it looks
 * at the shortest wait of an interval: a burst makes some wait long, but only an overload makes all wait. After an
 * interval in which even the shortest wait was longer than the target, waiters that have waited twice the target are
 * refused when their turn comes. If no connection was lent at all for an interval, the same waiters are refused then.
 *
 * CoDel (Nichols and Jacobson, 2012) as Elixir's `db_connection` has it, one for each tenant as in FQ-CoDel (RFC 8290).
 */
export class LoadShedding<W extends Sheddable> {
  readonly #settings: SheddingSettings;
  readonly #clock: Clock;
  readonly #line: SheddingLine<W>;
  #timer: Timer | undefined;
  #handOvers = 0;
  #handOversAtLook = 0;

  constructor(settings: SheddingSettings, clock: Clock, line: SheddingLine<W>) {
    this.#settings = settings;
    this.#clock = clock;
    this.#line = line;
  }

  /** A waiter joined the line. */
  joined(): void {
    if (this.#timer !== undefined) return;
    this.#handOversAtLook = this.#handOvers;
    this.#timer = this.#clock.timer(this.#settings.interval, false, () => this.#look());
  }

  /** A waiter left the line. */
  left({ tenant }: W): void {
    if (tenant.delay !== undefined && tenant.queue.length === 0) tenant.delay.shortest = 0;
  }

  /** Refuses a waiter whose turn has come if its tenant has waited too long. @returns whether it did */
  refuses(waiter: W, now: number): boolean {
    const { target, interval } = this.#settings;
    const delay = delayOf(waiter.tenant);
    const waited = now - waiter.since;
    if (now >= delay.until) {
      delay.slow = delay.shortest > target;
      delay.shortest = waited;
      delay.until = now + interval;
      return false;
    }
    if (!delay.slow || waited <= 2 * target) return false;
    this.#line.refuse(waiter, Math.ceil(delay.shortest));
    return true;
  }

  /** A connection is lent to a waiter. */
  served({ tenant, since }: W, now: number): void {
    this.#handOvers++;
    const delay = delayOf(tenant);
    delay.shortest = Math.min(delay.shortest, now - since);
  }

  end(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const { target } = this.#settings;
    if (this.#handOvers === this.#handOversAtLook && this.#line.isOpen()) {
      for (
        let first = this.#line.oldest;
        first !== undefined && now - first.since > 2 * target;
        first = this.#line.oldest
      ) {
        this.#line.refuse(first, this.#settings.interval);
      }
    }
    if (this.#line.oldest !== undefined) this.joined();
  }
}

function delayOf(tenant: Tenant): Delay {
  tenant.delay ??= { shortest: 0, until: 0, slow: false };
  return tenant.delay;
}
