import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Whether a promise is still open after so many milliseconds. Only waiting can show that something does not happen; so
 * first wait for the event that should have settled it, and then keep this short.
 */
export async function isPending(promise: PromiseLike<unknown>, milliseconds = 200): Promise<boolean> {
  const settled = Promise.resolve(promise).then(
    () => false,
    () => false,
  );
  const waiting = new AbortController();
  try {
    return await Promise.race([settled, sleep(milliseconds, true, { signal: waiting.signal })]);
  } finally {
    waiting.abort();
  }
}
