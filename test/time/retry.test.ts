import { describe, expect, test } from 'vitest';
import { AcquireTimeoutError, CircuitOpenError } from '../../src/errors/acquire.js';
import { ConnectionLostError } from '../../src/errors/call.js';
import { type RetryDecision, retryDecision } from '../../src/errors/retry-decision.js';
import { type RetryRules, withRetry } from '../../src/time/retry.js';
import { RetryBudget } from '../../src/time/retry-budget.js';
import { watch } from '../support/pool-under-test.js';
import { settled, VirtualClock } from '../support/virtual-clock.js';

const snapshot = {
  pool: 'test',
  state: 'running',
  maxConnections: 1,
  idle: 0,
  leased: 0,
  opening: 0,
  validating: 0,
  resetting: 0,
  closing: 0,
  waiting: 0,
} as const;
const unsent = () => new ConnectionLostError('closing', { outcome: 'not-sent' });
const unknown = () => new ConnectionLostError('lost', { outcome: 'unknown' });
const noConnection = () => new AcquireTimeoutError('busy', { snapshot, waited: 1 });
const cutOff = () => new CircuitOpenError('open', { snapshot, waited: 0, nextProbeIn: 1, endpoints: [] });

/** Runs work that fails with these errors, one for each attempt, and then succeeds. */
function run(failures: readonly (() => Error)[], rules: Partial<RetryRules> = {}) {
  const clock = new VirtualClock();
  const attempts: [number, number][] = [];
  const result = watch(
    withRetry(
      async (attempt, notSent) => {
        attempts.push([attempt, notSent]);
        const failure = failures[attempts.length - 1];
        if (failure !== undefined) throw failure();
        return 'done';
      },
      { maxAttempts: 3, backoff: () => 100, decide: (error) => retryDecision(error, true), clock, ...rules },
    ),
  );
  return { clock, attempts, result };
}

const times = (count: number, failure: () => Error) => Array.from({ length: count }, () => failure);

describe('an attempt that sent nothing', () => {
  test('is made again at once, and does not count', async () => {
    const { clock, attempts, result } = run([...times(5, unsent), unknown, unsent, unknown], { unsentAttempts: 10 });
    await settled();
    expect(attempts).toHaveLength(6);
    await clock.advance(100);
    expect(attempts).toHaveLength(8);
    await clock.advance(100);
    expect(result).toMatchObject({ state: 'fulfilled', value: 'done' });
    expect(attempts.at(-1), 'the work is told of those that sent nothing').toEqual([9, 6]);
  });

  test('counts from a number on, so that the attempts come to an end', async () => {
    const { attempts, result } = run(times(100, unsent), { unsentAttempts: 10 });
    await settled();
    expect(attempts).toHaveLength(10 + 3);
    expect(result.error).toMatchObject({ outcome: 'not-sent' });
  });

  test('counts like others where nothing else is said', async () => {
    const { attempts } = run(times(100, unsent));
    await settled();
    expect(attempts).toHaveLength(3);
  });

  test('is made again also where nothing that was sent is', async () => {
    const { attempts, result } = run([unsent, unsent], { maxAttempts: 1, unsentAttempts: 10 });
    await settled();
    expect([attempts.length, result.value]).toEqual([3, 'done']);
  });
});

describe('the error of the last attempt that was sent', () => {
  test.each([
    ['no connection was to be had for the next', noConnection],
    ['the next found the circuit open, to the end', cutOff],
    ['the connection of the next was closing', unsent],
  ])('is what the caller gets when %s', async (_, next) => {
    const { clock, result } = run([unknown, ...times(5, next)]);
    await clock.advance(1_000);
    expect(result.error).toMatchObject({ message: 'lost', outcome: 'unknown' });
  });

  test('is the last of several', async () => {
    let number = 0;
    const failure = () => new ConnectionLostError(`lost ${++number}`, { outcome: 'unknown' });
    const { clock, result } = run([failure, failure, noConnection]);
    await clock.advance(1_000);
    expect(result.error).toMatchObject({ message: 'lost 2' });
  });

  test('gives way to the last of all when none was sent', async () => {
    const { clock, result } = run([unsent, cutOff, noConnection]);
    await clock.advance(1_000);
    expect(result.error).toBeInstanceOf(AcquireTimeoutError);
  });
});

describe('a budget', () => {
  const budgeted = (decision: RetryDecision, reserve: number) => {
    const clock = new VirtualClock();
    const budget = new RetryBudget({ share: 1, perSecond: 0, reserve, most: 10 }, () => clock.now());
    return { ...run(times(2, unknown), { decide: () => decision, budget, clock }), clock, budget };
  };

  test('that is empty ends the attempts with the failure, without a pause', async () => {
    const { clock, attempts, result } = budgeted('sparingly', 0);
    await settled();
    expect(attempts).toHaveLength(1);
    expect(result.error).toMatchObject({ message: 'lost' });
    expect(clock.pending).toBe(0);
  });

  test('pays for what burdens a server that cannot keep up', async () => {
    const { clock, attempts, result } = budgeted('sparingly', 1);
    await clock.advance(1_000);
    expect([attempts.length, result.state]).toEqual([2, 'rejected']);
  });

  test.each<RetryDecision>(['later', 'now', 'elsewhere'])(
    'is not asked for what is tried again %s',
    async (decision) => {
      const { clock, attempts, result, budget } = budgeted(decision, 0);
      await clock.advance(1_000);
      expect([attempts.length, result.value]).toEqual([3, 'done']);
      expect(budget.take(), 'and the success is added to it').toBe(true);
    },
  );
});

describe('a pause', () => {
  test('is ended by each of the signals, with the failure before it, and leaves no timer', async () => {
    for (const which of [0, 1]) {
      const controllers = [new AbortController(), new AbortController()];
      const signals = [undefined, ...controllers.map(({ signal }) => signal)];
      const { clock, attempts, result } = run([unknown, unknown], { signals, backoff: () => 1e6 });
      await settled();
      expect(clock.pending).toBe(1);
      controllers[which]?.abort(new Error('the reason is not what the caller gets'));
      await settled();
      expect(result.error).toMatchObject({ message: 'lost' });
      expect([attempts.length, clock.pending]).toEqual([1, 0]);
    }
  });

  test('does not begin after the signal, and nothing is tried again at once either', async () => {
    for (const failure of [unknown, unsent]) {
      const controller = new AbortController();
      const failing = () => {
        controller.abort();
        return failure();
      };
      const { clock, attempts, result } = run([failing], { signals: [controller.signal], unsentAttempts: 5 });
      await settled();
      expect([attempts.length, result.state, clock.pending]).toEqual([1, 'rejected', 0]);
    }
  });
});
