import { describe, expect, test } from 'vitest';
import { behaving, fill, type PoolUnderTest, poolUnderTest, watch } from '../support/pool-under-test.js';

// An attempt may have begun a moment before the server came back, and hang: it must not hold up the next one.

const settings = { minConnections: 1, maxConnections: 8, warmConnections: true, openTimeout: 5000, probeTimeout: 2000 };
const endpoint = { failureThreshold: 3, probeInterval: 1000, idleProbeInterval: 5000, backoff: () => 100 };

const outages = [
  ['silent: openings hang', behaving({ open: 'never', probe: 'never' })],
  ['half-dead: connections open, and no probe is answered', behaving({ probe: 'never' })],
  ['slow: openings take longer than they may', behaving({ open: 'slow', probe: 'slow' })],
] as const;

function ask({ pool }: PoolUnderTest): void {
  pool.acquire({ timeout: 3000 }).then(
    (lease) => lease.release(),
    () => {},
  );
}

describe.each(outages)('after ten minutes in which the server is %s', (_what, behave) => {
  test.each([0, 300, 700, 1000, 2400])('the pool is back at once, %i ms after a full second', async (offset) => {
    for (const asked of [true, false]) {
      const world = poolUnderTest(settings, endpoint);
      const { pool, clock, resources } = world;
      await pool.start(1);
      await fill(pool, 1);
      resources.behave = behave;
      for (const resource of resources.all) resource.die(new Error('the server is gone'));
      let most = 0;
      const before = resources.opensStarted;
      for (let second = 0; second < 600; second++) {
        if (asked) ask(world);
        await clock.advance(1000);
        const { opening, validating } = pool.statistics();
        most = Math.max(most, opening + validating);
      }
      expect(most, 'attempts at once').toBeLessThanOrEqual(7);
      expect(resources.opensStarted - before, 'attempts').toBeLessThanOrEqual(600);
      await clock.advance(offset);
      resources.behave = behaving({});
      const caller = asked ? watch(pool.acquire()) : undefined;
      await clock.advance(asked ? 1250 : 5000);
      // A caller who came while the circuit was open was told so at once, and comes again.
      const again = watch(pool.acquire());
      await clock.advance(0);
      expect(pool.circuit).toBe('closed');
      expect(again.state).toBe('fulfilled');
      again.value?.release();
      if (caller?.state === 'fulfilled') caller.value?.release();
    }
  });
});
