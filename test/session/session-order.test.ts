import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SessionOrder } from '../../src/session/session-order.js';
import { surroundings } from '../support/surroundings.js';
import { settled } from '../support/virtual-clock.js';

const { pool: openPool } = surroundings();

describe('the order of calls on one session', () => {
  test('queries run side by side, a change alone, nobody overtakes, and all get their turn', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ change: fc.boolean(), finish: fc.nat(5) }), { maxLength: 60 }),
        async (calls) => {
          const order = new SessionOrder();
          const running = new Map<number, { change: boolean; finish: () => void }>();
          const started: number[] = [];
          const work = calls.map(({ change }, index) => {
            const run = (): Promise<void> =>
              new Promise((finish) => {
                started.push(index);
                running.set(index, { change, finish });
                const changes = [...running.values()].filter((call) => call.change).length;
                expect(changes === 0 || running.size === 1, 'a change runs alone').toBe(true);
              });
            return change
              ? order.change(run)
              : (async () => {
                  const turn = order.query();
                  if (turn !== undefined) await turn;
                  await run();
                  order.queryDone();
                })();
          });
          for (const { finish } of calls) {
            await settled();
            const [index, call] = [...running][finish % Math.max(1, running.size)] ?? [];
            if (index !== undefined && call !== undefined) {
              running.delete(index);
              call.finish();
            }
          }
          while (running.size > 0) {
            for (const [index, { finish }] of [...running]) {
              running.delete(index);
              finish();
            }
            await settled();
          }
          await Promise.all(work);
          expect(started).toEqual(calls.map((_, index) => index));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a change that fails lets the next one run', async () => {
    const order = new SessionOrder();
    await expect(order.change(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await order.change(async () => 'yes')).toBe('yes');
    expect(order.query()).toBeUndefined();
  });

  // The embedded engine deadlocks a session within some 40 ms of this when the calls are sent as they come.
  test('keeps the session of an embedded engine alive under a storm of queries and changes', async () => {
    const pool = await openPool('mem://', { maxConnections: 1 });
    await using connection = await pool.acquire();
    const inTurn = async (times: number, call: (time: number) => Promise<unknown>): Promise<void> => {
      for (let time = 1; time <= times; time++) await call(time);
    };
    await Promise.all([
      inTurn(100, (time) => connection.set('number', time)),
      ...Array.from({ length: 8 }, () => inTurn(100, () => connection.query('RETURN $number').collect())),
    ]);
    expect(await connection.query('RETURN $number')).toEqual([100]);
  });
});
