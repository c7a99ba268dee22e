import type { TracingChannel } from 'node:diagnostics_channel';

/** What is added to a trace at the end of its work, as Node's `tracePromise()` adds it. */
interface Told {
  result?: unknown;
  error?: unknown;
}

/**
 * Publishes the beginning and the end of work on a tracing channel, as Node's `tracePromise()` does, and returns the very
 * promise of the work: a caller gets its answer in the same turn as without a subscriber, and no promise is made for it.
 *
 * @param ended Called before the end is published, with the answer, if there is one. Returns an error to publish although
 * there is an answer.
 */
export function traceWork<Trace extends object, T>(
  { start, end, asyncStart, asyncEnd, error }: TracingChannel<string, Trace>,
  trace: Trace,
  work: () => Promise<T>,
  ended: (answer: T | undefined) => unknown = () => undefined,
): Promise<T> {
  const told: Trace & Told = trace;
  const fail = (cause: unknown): void => {
    told.error = cause;
    error.publish(trace);
  };
  const settle = (): void => {
    asyncStart.publish(trace);
    asyncEnd.publish(trace);
  };
  return start.runStores(trace, () => {
    try {
      const promise = work();
      promise.then(
        (answer) => {
          const failure = ended(answer);
          if (failure === undefined) told.result = answer;
          else fail(failure);
          settle();
        },
        (cause: unknown) => {
          ended(undefined);
          fail(cause);
          settle();
        },
      );
      return promise;
    } catch (cause) {
      fail(cause);
      throw cause;
    } finally {
      end.publish(trace);
    }
  });
}
