import { DeadlineError } from '../errors/connect.js';
import { TransactionAbortedError } from '../errors/transaction.js';
import { systemClock, type Timer } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';

/**
 * Ends a transaction, or all attempts of a `withTransaction()`, early: by a timeout, by its own signal, or by that of
 * its lease.
 */
export class TransactionDeadline {
  /** Aborted with a {@link TransactionAbortedError}; undefined when nothing can end it early. */
  readonly signal: AbortSignal | undefined;
  readonly #endsAt: number;
  readonly #timer: Timer | undefined;
  readonly #forget: (() => void)[] = [];

  /**
   * @param timeout in milliseconds; 0 for none
   * @param whyOver makes the cause when the time is up
   */
  constructor(timeout: number, signals: readonly (AbortSignal | undefined)[], whyOver?: () => Error) {
    this.#endsAt = timeout === 0 ? Number.POSITIVE_INFINITY : systemClock.now() + timeout;
    const given = signals.filter((signal) => signal !== undefined);
    if (timeout === 0 && given.length === 0) return;
    const controller = new AbortController();
    this.signal = controller.signal;
    const abort = (why: string, cause: unknown): void =>
      controller.abort(
        new TransactionAbortedError(`the transaction was aborted: ${why}`, { statement: undefined, cause }),
      );
    if (timeout > 0) {
      const onTimeout = (): void =>
        abort('its time was up', whyOver?.() ?? new DeadlineError('the transaction', timeout));
      this.#timer = systemClock.timer(timeout, true, onTimeout);
    }
    for (const signal of given) {
      this.#forget.push(onAbort(signal, () => abort('its signal was aborted', signal.reason)));
    }
  }

  /** The remaining time, in milliseconds; `Infinity` without a timeout. */
  get left(): number {
    return this.#endsAt - systemClock.now();
  }

  /** Removes the timer and the listeners. */
  end(): void {
    this.#timer?.cancel();
    for (const forget of this.#forget) forget();
  }
}
