import { AsyncLocalStorage } from 'node:async_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DiscoverEndpoints, EndpointSource, Target } from '../../src/config/endpoint-options.js';
import { Discovery, type DiscoverySettings } from '../../src/endpoints/discovery.js';
import { ConfigurationError } from '../../src/errors/configuration.js';
import { DeadlineError } from '../../src/errors/connect.js';
import { NoEndpointError } from '../../src/errors/endpoint.js';
import { junk } from '../support/junk.js';
import { settled, VirtualClock } from '../support/virtual-clock.js';

type Answer = ReturnType<DiscoverEndpoints['discover']>;

const settings: DiscoverySettings = { refresh: 60_000, minInterval: 30_000, timeout: 5_000 };
const never = new Promise<never>(() => {});

/** A discovery under a virtual clock, with all that it did. */
function scene({ random = () => 0.5, ...given }: Partial<DiscoverySettings> & { random?: () => number } = {}) {
  const clock = new VirtualClock();
  /** When each look began. */
  const looks: number[] = [];
  const signals: AbortSignal[] = [];
  const lists: (readonly string[])[] = [];
  const errors: unknown[] = [];
  /** What the next looks are answered; changed by a test. */
  const world: { answer: () => Answer } = { answer: () => ['ws://a'] };
  const source: EndpointSource = {
    discover: (signal) => {
      looks.push(clock.now());
      signals.push(signal);
      return world.answer();
    },
  };
  const listeners = {
    changed: (targets: readonly Target[]) => lists.push(targets.map(({ url }) => url)),
    stale: (error: unknown) => errors.push(error),
  };
  const discovery = new Discovery(source, { ...settings, ...given }, listeners, { clock, random });
  return { clock, looks, signals, lists, errors, world, discovery };
}

test('a list is not looked for: its discovery has no timer', async () => {
  const list: Target[] = [{ url: 'ws://a/rpc', weight: 1, zone: undefined, priority: 0 }];
  const clock = new VirtualClock();
  const discovery = new Discovery({ list }, settings, { changed() {}, stale() {} }, { clock });
  expect(await discovery.start()).toBe(list);
  discovery.lost();
  expect(clock.pending).toBe(0);
});

describe('the first answer', () => {
  test('is checked and completed as a list of a configuration', async () => {
    const { discovery, world, lists } = scene();
    world.answer = () => ['ws://a', { url: 'WSS://B', weight: 2, zone: 'eu', priority: 1 }];
    expect(await discovery.start()).toEqual([
      { url: 'ws://a/rpc', weight: 1, zone: undefined, priority: 0 },
      { url: 'wss://b/rpc', weight: 2, zone: 'eu', priority: 1 },
    ]);
    expect(lists, 'start() returns it').toEqual([]);
  });

  test.each<[string, () => Answer, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no consul');
      },
      /discover:\/\/function failed: no consul/,
    ],
    ['rejects', () => Promise.reject(new Error('no consul')), /failed: no consul/],
    ['rejects with nothing', () => Promise.reject(), /failed: undefined/],
    ['returns none', () => [], /an empty list; allowed: at least one endpoint/],
    ['returns nothing', () => undefined as unknown as Answer, /discover\(\): given nothing/],
    [
      'returns junk',
      () => [{ url: 'ws://a', wieght: 2 }] as unknown as Answer,
      /discover\(\)\.weight \(did you mean that\?\)/,
    ],
    ['returns a user', () => ['ws://root:secret@a'], /discover\(\)\.0: given "ws:\/\/…" with a user in it/],
  ])('of a function that %s is a NoEndpointError', async (_, answer, message) => {
    const { discovery, world } = scene();
    world.answer = answer;
    const error = await discovery.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NoEndpointError);
    expect(error).toMatchObject({ code: 'ERR_POOL_NO_ENDPOINT', retryable: true, source: 'discover://function' });
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('secret');
    discovery.stop();
  });

  test('that does not come is given up, and its signal says so', async () => {
    const { discovery, world, clock, signals } = scene();
    world.answer = () => never;
    const start = discovery.start().catch((reason: unknown) => reason);
    await clock.advance(4_999);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(await start).toMatchObject({ name: 'NoEndpointError', cause: expect.any(DeadlineError) });
    expect(signals[0]?.reason).toBeInstanceOf(DeadlineError);
  });

  test('that failed is looked for again, soon at first, and told as a change', async () => {
    const { discovery, world, clock, looks, lists, errors } = scene({ random: () => 0 });
    world.answer = () => Promise.reject(new Error('down'));
    await expect(discovery.start()).rejects.toBeInstanceOf(NoEndpointError);
    discovery.lost();
    await clock.advance(95_000);
    expect(looks).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
    expect(errors, 'start() told the first').toHaveLength(7);
    world.answer = () => ['ws://a'];
    await clock.advance(30_000);
    expect(lists).toEqual([['ws://a/rpc']]);
  });

  test('is not awaited beyond the end of the pool', async () => {
    const { discovery, world, clock, signals } = scene();
    world.answer = () => never;
    const start = discovery.start();
    discovery.stop();
    await expect(start).rejects.toThrow(/failed: the pool is closing/);
    expect(signals[0]?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('from time to time', () => {
  test.each([
    [0, 48_000],
    [0.5, 60_000],
    [1, 72_000],
  ])('with a draw of %d it looks again after %d ms: 20 % up or down', async (drawn, at) => {
    const { discovery, clock, looks } = scene({ random: () => drawn });
    await discovery.start();
    await clock.advance(at - 1);
    expect(looks).toEqual([0]);
    await clock.advance(1);
    expect(looks).toEqual([0, at]);
  });

  test('never sooner than the least interval', async () => {
    const { discovery, clock, looks } = scene({ random: () => 0, refresh: 30_000 });
    await discovery.start();
    await clock.advance(30_000);
    expect(looks).toEqual([0, 30_000]);
  });

  test('not at all with a refresh of 0', async () => {
    const { discovery, clock, looks } = scene({ refresh: 0 });
    await discovery.start();
    expect(clock.pending).toBe(0);
    discovery.lost();
    await clock.advance(1_000_000);
    expect(looks).toEqual([0, 30_000]);
    expect(clock.pending).toBe(0);
  });

  test('and tells what changed, but no other order', async () => {
    const { discovery, world, clock, lists } = scene();
    world.answer = () => ['ws://a', 'ws://b'];
    await discovery.start();
    world.answer = () => ['ws://b', 'ws://a'];
    await clock.advance(60_000);
    expect(lists).toEqual([]);
    world.answer = () => ['ws://b'];
    await clock.advance(60_000);
    world.answer = () => ['ws://b', 'ws://c'];
    await clock.advance(60_000);
    expect(lists).toEqual([['ws://b/rpc'], ['ws://b/rpc', 'ws://c/rpc']]);
  });

  test.each([{ weight: 2 }, { zone: 'eu' }, { priority: 1 }])('a change of %o as well', async (property) => {
    const { discovery, world, clock, lists } = scene();
    await discovery.start();
    world.answer = () => [{ url: 'ws://a', ...property }];
    await clock.advance(120_000);
    expect(lists).toHaveLength(1);
  });
});

describe('after a loss', () => {
  test('it looks at once when the last look is long ago', async () => {
    const { discovery, clock, looks } = scene();
    await discovery.start();
    await clock.advance(40_000);
    discovery.lost();
    await clock.advance(0);
    expect(looks).toEqual([0, 40_000]);
  });

  test('it looks once for any number of losses, not before the least interval is over', async () => {
    const { discovery, clock, looks } = scene();
    await discovery.start();
    for (let index = 0; index < 100; index++) {
      discovery.lost();
      await clock.advance(250);
    }
    expect(looks).toEqual([0]);
    await clock.advance(20_000);
    expect(looks).toEqual([0, 30_000]);
  });

  test('it looks again when the loss came during a look, which may not have seen it', async () => {
    const { discovery, world, clock, looks } = scene();
    world.answer = () => new Promise((resolve) => clock.timer(1_000, false, () => resolve(['ws://a'])));
    const start = discovery.start();
    await clock.advance(500);
    discovery.lost();
    await clock.advance(500);
    await start;
    await clock.advance(30_000);
    expect(looks).toEqual([0, 30_000]);
  });

  test('it does nothing before the start and after the end', async () => {
    const { discovery, clock, looks } = scene();
    discovery.lost();
    expect(clock.pending).toBe(0);
    await discovery.start();
    discovery.stop();
    expect(clock.pending).toBe(0);
    discovery.lost();
    await clock.advance(1_000_000);
    expect(looks).toEqual([0]);
    expect(clock.pending).toBe(0);
  });
});

describe('a look that fails later', () => {
  test.each<[string, () => Answer, unknown]>([
    ['by an error', () => Promise.reject(new Error('down')), expect.any(Error)],
    [
      'by an exception',
      () => {
        throw new Error('down');
      },
      expect.any(Error),
    ],
    ['with an empty list', () => [], expect.any(ConfigurationError)],
    ['with junk', () => [1, {}] as unknown as Answer, expect.any(ConfigurationError)],
    ['by its deadline', () => never, expect.any(DeadlineError)],
  ])('%s is told, and the last list stays', async (_, answer, error) => {
    const { discovery, world, clock, lists, errors, looks } = scene({ random: () => 0 });
    await discovery.start();
    world.answer = answer;
    await clock.advance(48_000 + 5_000);
    expect(errors).toEqual([error]);
    world.answer = () => ['ws://a'];
    await clock.advance(25_000);
    expect(looks, 'it looks again after the least interval').toEqual([0, 48_000, 78_000]);
    await clock.advance(48_000);
    expect(looks, 'and then as usual').toEqual([0, 48_000, 78_000, 126_000]);
    expect(lists, 'the list is the one it was').toEqual([]);
  });

  test('and never ends does not pile up', async () => {
    const { discovery, world, clock, looks, errors, lists } = scene({ random: () => 0 });
    await discovery.start();
    const late: ((answer: string[]) => void)[] = [];
    world.answer = () => new Promise((resolve) => late.push(resolve));
    await clock.advance(600_000);
    expect(looks, 'two go on, no other is begun').toHaveLength(3);
    expect(errors.length, 'but each time it is told').toBeGreaterThan(10);
    late[0]?.(['ws://late']);
    await settled();
    expect(lists, 'what comes too late is ignored').toEqual([]);
    world.answer = () => ['ws://b'];
    await clock.advance(30_000);
    expect(looks).toHaveLength(4);
    expect(lists).toEqual([['ws://b/rpc']]);
  });
});

test('what arrives after the end is ignored', async () => {
  const { discovery, world, clock, lists, errors, signals } = scene();
  await discovery.start();
  let arrive = (_: string[]): void => {};
  world.answer = () =>
    new Promise((resolve) => {
      arrive = resolve;
    });
  await clock.advance(60_000);
  discovery.stop();
  expect(signals.at(-1)?.aborted).toBe(true);
  arrive(['ws://b']);
  await clock.advance(1_000_000);
  expect([lists, errors, clock.pending]).toEqual([[], [], 0]);
});

test('the function is called outside of the request that started the pool', async () => {
  const requests = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const source: EndpointSource = {
    discover: () => {
      seen.push(requests.getStore());
      return ['ws://a'];
    },
  };
  const listeners = { changed() {}, stale() {} };
  const discovery = new Discovery(source, { refresh: 0, minInterval: 1, timeout: 5_000 }, listeners);
  await requests.run('a request', async () => {
    await discovery.start();
    expect(requests.getStore()).toBe('a request');
    discovery.lost();
  });
  while (seen.length < 2) await settled();
  discovery.stop();
  expect(seen).toEqual([undefined, undefined]);
});

test('whatever a function answers and whenever connections are lost: looks keep their distance, and the list is never empty', async () => {
  const answer = fc.oneof(
    fc.constant(() => never),
    fc.constant(() => Promise.reject(new Error('down'))),
    fc.constantFrom<() => Answer>(
      () => ['ws://a'],
      () => ['ws://a', 'ws://b'],
      () => ['ws://c'],
    ),
    junk.map((given) => () => given as Answer),
  );
  const step = fc.record({ answer, wait: fc.nat({ max: 100_000 }), lost: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat({ max: 99 }), async (steps, drawn) => {
      const { discovery, world, clock, looks, lists } = scene({ random: () => drawn / 100 });
      await discovery.start();
      for (const { answer, wait, lost } of steps) {
        world.answer = answer;
        if (lost) discovery.lost();
        await clock.advance(wait);
        expect(clock.pending, 'there is always a next look or a deadline, and no heap of timers').toBe(1);
      }
      const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
      for (const gap of gaps) expect(gap).toBeGreaterThan(settings.minInterval - 1e-6);
      for (const list of lists) expect(list.length).toBeGreaterThan(0);
      const before = lists.length;
      discovery.stop();
      await clock.advance(200_000);
      expect([lists.length, clock.pending]).toEqual([before, 0]);
    }),
    { numRuns: 150 },
  );
});
