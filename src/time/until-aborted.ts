import { onAbort } from './on-abort.js';

/** Settles as `work` does, or rejects with the signal's reason as soon as it is aborted; the work itself goes on. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forgetSignal = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(forgetSignal);
  });
}
