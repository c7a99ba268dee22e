import { DeadlineError } from '../errors/connect.js';
import { systemClock, type Timer } from './clock.js';
import { onAbort } from './on-abort.js';
import { patientTimer } from './patient-timer.js';
import { untilAborted } from './until-aborted.js';

/** A time limit for work. {@link Deadline.end} removes its timer and listeners. */
export class Deadline {
  /** Aborted with a {@link DeadlineError} when the time is up, or with the reason of one of the signals. */
  readonly signal: AbortSignal;
  readonly #timer: Timer | undefined;
  readonly #forget: readonly (() => void)[];

  /**
   * @param step the name of the work in the error
   * @param timeout in milliseconds; a blocked event loop uses up a quarter of it at most; `Infinity` for none
   * @param signals end the work early, with their reason
   */
  constructor(step: string, timeout: number, signals: readonly (AbortSignal | undefined)[] = []) {
    // AbortSignal.any() would leave a listener on a signal that outlives the work.
    const controller = new AbortController();
    this.signal = controller.signal;
    const given = signals.filter((signal) => signal !== undefined);
    this.#forget = given.map((signal) => onAbort(signal, () => controller.abort(signal.reason)));
    if (Number.isFinite(timeout)) {
      const onTimeout = (): void => controller.abort(new DeadlineError(step, timeout));
      this.#timer = patientTimer(systemClock, timeout, true, onTimeout);
    }
  }

  end(): void {
    this.#timer?.cancel();
    for (const forget of this.#forget) forget();
  }
}

/**
 * Runs work within a time limit. The work gets a signal, and the caller waits no longer than the limit, even for work
 * that ignores the signal. See {@link Deadline} for the parameters.
 *
 * @throws DeadlineError when the time is up
 */
export async function withDeadline<T>(
  step: string,
  timeout: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(step, timeout, signals);
  try {
    deadline.signal.throwIfAborted();
    return await untilAborted(work(deadline.signal), deadline.signal);
  } finally {
    deadline.end();
  }
}

/**
 * Runs work that is aborted when the time is up, and waits until it has ended: for closing, which then goes on by
 * force.
 */
export async function toldToStop<T>(
  step: string,
  timeout: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(step, timeout);
  try {
    return await work(deadline.signal);
  } finally {
    deadline.end();
  }
}
