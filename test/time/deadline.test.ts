import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { DeadlineError } from '../../src/index.js';
import { withDeadline } from '../../src/time/deadline.js';

const never = <T>(): Promise<T> => new Promise(() => {});

describe('withDeadline()', () => {
  test('gives what the work gives, and throws what it throws', async () => {
    expect(await withDeadline('a step', 10_000, [], async () => 1)).toBe(1);
    const failure = new Error('it failed');
    await expect(withDeadline('a step', 10_000, [], () => Promise.reject(failure))).rejects.toBe(failure);
  });

  test('names the step when the time is up, also for work that ignores its signal', async () => {
    const error = await withDeadline('a step', 5, [], () => never()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeadlineError);
    expect(error).toMatchObject({ step: 'a step', timeout: 5 });
  });

  test('aborts the signal of the work, with the reason that its caller is told', async () => {
    let given: AbortSignal | undefined;
    const error = await withDeadline('a step', 5, [], (signal) => {
      given = signal;
      return never();
    }).catch((reason: unknown) => reason);
    expect(given?.reason).toBe(error);
  });

  test('ends with the reason of each of its signals', async () => {
    for (const which of [0, 1]) {
      const controllers = [new AbortController(), new AbortController()];
      const signals = [...controllers.map(({ signal }) => signal), undefined];
      const ended = withDeadline('a step', Number.POSITIVE_INFINITY, signals, () => never());
      controllers[which]?.abort(`reason ${which}`);
      await expect(ended).rejects.toBe(`reason ${which}`);
    }
  });

  test('does not begin the work when a signal is aborted already', async () => {
    let begun = false;
    const work = async (): Promise<void> => {
      begun = true;
    };
    await expect(withDeadline('a step', 1_000, [AbortSignal.abort('too late')], work)).rejects.toBe('too late');
    expect(begun).toBe(false);
  });

  test('leaves no listener on a signal that lives longer than the work', async () => {
    const { signal } = new AbortController();
    await withDeadline('a step', 1_000, [signal], async () => {});
    await withDeadline('a step', 1, [signal], () => never()).catch(() => {});
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('forgets its deadline when the work has ended', async () => {
    let given: AbortSignal | undefined;
    await withDeadline('a step', 20, [], async (signal) => {
      given = signal;
    });
    await new Promise((later) => setTimeout(later, 60));
    expect(given?.aborted).toBe(false);
  });
});
