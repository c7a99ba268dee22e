import { DeadlineError } from '../errors/connect.js';
import { onAbort } from './on-abort.js';
import { untilAborted } from './until-aborted.js';

/**
 * Runs work that has to end within a time. Work is given a signal to stop at, and its caller waits no longer than that,
 * even for work that ignores the signal.
 *
 * @param step names the work in the error
 * @param timeout in milliseconds; `Infinity` for none
 * @param signals end the work early, with their reason
 * @throws DeadlineError when the time is up
 */
export async function withDeadline<T>(
  step: string,
  timeout: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // AbortSignal.any() would keep a listener on a signal that lives longer than the work.
  const controller = new AbortController();
  const forget = signals.map((signal) => signal && onAbort(signal, () => controller.abort(signal.reason)));
  const timer = Number.isFinite(timeout)
    ? setTimeout(() => controller.abort(new DeadlineError(step, timeout)), timeout)
    : undefined;
  try {
    controller.signal.throwIfAborted();
    return await untilAborted(work(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    for (const end of forget) end?.();
  }
}
