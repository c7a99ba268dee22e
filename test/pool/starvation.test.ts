import { describe, expect, test } from 'vitest';
import type { AcquireOptions } from '../../src/pool/contract.js';
import type { Lease } from '../../src/pool/lease.js';
import { alwaysProbed, behaving, type FakeResource, poolUnderTest, settled } from '../support/pool-under-test.js';

const agents = { a: { identity: { key: 'a' } }, b: { identity: { key: 'b' } } };

type Asks = Pick<AcquireOptions, 'shared' | 'fresh'>;

const ends: [string, (lease: Lease<FakeResource>) => void, Asks][] = [
  ['that change nothing', () => {}, {}],
  ['that are single calls', () => {}, { shared: { joins: false } }],
  ['that are single calls and share messages', () => {}, { shared: { joins: true } }],
  [
    'that all have to be reset',
    ({ resource }) => {
      resource.dirty = true;
    },
    {},
  ],
  ['whose connections are all closed', (lease) => lease.markForRecycling(), {}],
  ['whose connections all die', ({ resource }) => resource.die(new Error('cut off')), {}],
];

const settings: [string, object][] = [
  ['a pool of one', { maxConnections: 1 }],
  ['a pool of one that probes before each lease', { maxConnections: 1, ...alwaysProbed }],
  ['a pool of three', { maxConnections: 3 }],
];

describe.each(settings)('a stream of one identity starves no other, in %s', (_size, chosen) => {
  test.each(ends)('with leases %s', async (_end, end, asks) => {
    const { pool, clock, resources } = poolUnderTest({ ...chosen, connectionTimeout: 0 });
    resources.behave = behaving({ reset: 'slow', change: 'slow', open: 'slow', probe: 'slow' });
    const held: Lease<FakeResource>[] = [];
    let given = 0;
    const ask = (): void => {
      pool.acquire({ ...agents.a, ...asks }).then(
        (lease) => {
          given++;
          held.push(lease);
        },
        // The end of the pool ends the stream.
        () => {},
      );
    };
    const turn = async (): Promise<void> => {
      await settled();
      while (resources.slow.length > 0) {
        resources.finishAt(0, true);
        await settled();
      }
      const lease = held.shift();
      if (lease === undefined) {
        // Openings after a loss are spaced.
        await clock.advance(100);
        return;
      }
      // Another one is always there already when a connection comes back.
      ask();
      end(lease);
      lease.release();
    };

    for (let count = 0; count < 6; count++) ask();
    for (let count = 0; count < 20; count++) await turn();
    const ahead = pool.statistics().waiting;
    const before = given;
    let served: number | undefined;
    const other = pool.acquire(agents.b).then((lease) => {
      served = given - before;
      lease.release();
    });
    for (let count = 0; count < 100 && served === undefined; count++) await turn();
    // Those that waited already, and one for each connection that was prepared for them meanwhile: one message, with all
    // that may share it.
    const perMessage = asks.shared?.joins ? 16 : 1;
    expect(served, 'leases of the stream before that of the other').toBeLessThanOrEqual(
      ahead + pool.statistics().maxConnections * perMessage,
    );
    await other;
    for (let count = 0; count < 20 && held.length > 0; count++) held.shift()?.release();
  });
});
