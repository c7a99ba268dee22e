import { describe, expect, test } from 'vitest';
import type { Behaviour } from '../support/fake-resources.js';
import { behaving, expectBalance, microtasks, poolUnderTest, watch } from '../support/pool-under-test.js';
import { settled } from '../support/virtual-clock.js';

const behaviours: readonly Behaviour[] = ['ok', 'fail', 'slow', 'never'];

/** Everything four steps of work can do, each combined with each. */
const combinations = behaviours.flatMap((open) =>
  behaviours.flatMap((probe) =>
    behaviours.flatMap((reset) => behaviours.map((close) => ({ open, probe, reset, close }))),
  ),
);

describe('callers who give up at every moment', () => {
  test.each(combinations)('cost no slot with open $open, probe $probe, reset $reset, close $close', async (steps) => {
    const { pool, clock, resources } = poolUnderTest({
      maxConnections: 2,
      validateOnCheckout: true,
      connectionTimeout: 700,
    });
    // One connection is there already, so that there is something to probe; the others open as the combination says.
    (await pool.acquire()).release();
    resources.behave = behaving(steps);

    const callers = Array.from({ length: 16 }, async (_, distance) => {
      const abort = new AbortController();
      const acquire = pool.acquire({ signal: abort.signal });
      const caller = watch(acquire);
      await microtasks(distance);
      // Every second one only after whatever is slow had its chance to end.
      if (distance % 2 === 1) {
        await settled();
        for (const step of ['open', 'probe', 'reset', 'close'] as const) resources.finish(step);
        await microtasks(distance);
      }
      abort.abort();
      const lease = await acquire.catch(() => undefined);
      if (lease !== undefined) {
        lease.resource.dirty = distance % 3 === 0;
        lease.release();
      }
      return caller;
    });
    await clock.advance(5000);
    for (const caller of await Promise.all(callers)) expect(caller.state).not.toBe('pending');
    expectBalance(pool);
    expect(pool.statistics()).toMatchObject({ leased: 0, waiting: 0, started: 17 });

    // Whatever happened: once everything works again, both places are there for whoever asks.
    resources.behave = behaving({});
    while (resources.finishAt(0, true)) await settled();
    await clock.advance(1000);
    const both = Promise.all([pool.acquire(), pool.acquire()]);
    // After failures the second is opened a moment after the first has answered.
    await clock.advance(200);
    const [first, second] = await both;
    expect(pool.statistics().leased).toBe(2);
    first?.release();
    second?.release();
  });
});
