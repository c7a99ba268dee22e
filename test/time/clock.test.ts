import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { readFile } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';

const armed = vi.hoisted(() => [] as { delay: number; timeout: NodeJS.Timeout }[]);
vi.mock('node:timers', async (load) => {
  const real = await load<typeof import('node:timers')>();
  const setTimeout = (callback: () => void, delay: number): NodeJS.Timeout => {
    const timeout = real.setTimeout(callback, delay);
    armed.push({ delay, timeout });
    return timeout;
  };
  return { ...real, default: real, setTimeout };
});
const { systemClock } = await import('../../src/time/clock.js');
const { inOwnContext, inThisContext } = await import('../../src/time/own-context.js');

afterEach(() => {
  vi.useRealTimers();
});

/** Computes, as a request handler may: nothing else of this process runs meanwhile. */
function block(duration: number): void {
  const end = performance.now() + duration;
  while (performance.now() < end);
}

function fired(delay: number): Promise<void> {
  return new Promise((resolve) => systemClock.timer(delay, true, resolve));
}

describe('the time', () => {
  test('goes on within one turn of the event loop', () => {
    const first = systemClock.now();
    block(2);
    expect(systemClock.now()).toBeGreaterThan(first);
  });

  test('is monotonic: the time of day may jump as it likes', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const first = systemClock.now();
    vi.setSystemTime(0);
    expect(systemClock.now()).toBeGreaterThanOrEqual(first);
    vi.setSystemTime(new Date('2100-01-01'));
    expect(systemClock.now()).toBeLessThan(first + 3_600_000);
  });

  test('goes on while a test has replaced the timers and the clocks of the process', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'setImmediate', 'hrtime', 'Date'] });
    const first = systemClock.now();
    await fired(2);
    expect(systemClock.now()).toBeGreaterThan(first);
    vi.useRealTimers();
    await fired(2);
  });
});

describe('a timer', () => {
  test('fires in the order of its delay, once', async () => {
    const order: string[] = [];
    systemClock.timer(30, true, () => order.push('later'));
    systemClock.timer(1, true, () => order.push('sooner'));
    systemClock.timer(-5, true, () => order.push('already due'));
    await fired(60);
    await sleep(20);
    expect(order.toSorted()).toEqual(['already due', 'later', 'sooner']);
    expect(order.at(-1)).toBe('later');
  });

  test('does not fire once it is cancelled, and may be cancelled again and after it fired', async () => {
    const callback = vi.fn();
    const cancelled = systemClock.timer(1, true, callback);
    cancelled.cancel();
    cancelled.cancel();
    await fired(10);
    expect(callback).not.toHaveBeenCalled();
    const late = systemClock.timer(1, true, callback);
    await fired(20);
    late.cancel();
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('with a delay longer than Node can count does not fire at once', async () => {
    armed.length = 0;
    const callback = vi.fn();
    const long = [30 * 86_400_000, Number.POSITIVE_INFINITY].map((delay) => systemClock.timer(delay, true, callback));
    expect(armed.map(({ delay }) => delay)).toEqual([2 ** 31 - 1, 2 ** 31 - 1]);
    await fired(5);
    expect(callback).not.toHaveBeenCalled();
    for (const timer of long) timer.cancel();
  });

  test('holds the process if a caller waits for it, and only then', () => {
    armed.length = 0;
    const timers = [true, false].map((holds) => systemClock.timer(60_000, holds, () => {}));
    expect(armed.map(({ timeout }) => timeout.hasRef())).toEqual([true, false]);
    for (const timer of timers) timer.cancel();
  });
});

describe('a timer that came due while the event loop was blocked', () => {
  /** Two ends of one connection: what one writes is in the kernel at once, for the other to read. */
  async function ends(): Promise<{ near: Socket; far: Socket; close: () => void }> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const near = connect(port, '127.0.0.1');
    const [far] = (await once(server, 'connection')) as [Socket];
    far.setNoDelay(true);
    return { near, far, close: () => [near.destroy(), far.destroy(), server.close()] };
  }

  const places: [where: string, run: (work: () => void) => unknown][] = [
    ['where something was read', (work) => readFile('package.json', work)],
    ['in setImmediate()', (work) => setImmediate(work)],
    ['in a timer', (work) => setTimeout(work, 1)],
    ['in a microtask', (work) => queueMicrotask(work)],
  ];

  test.each(places)('%s lets what has arrived be read first, which may cancel it', async (_where, run) => {
    const { near, far, close } = await ends();
    const order: string[] = [];
    const last = new Promise<void>((resolve) => {
      run(() => {
        const cancelled = systemClock.timer(5, true, () => order.push('the timer that the answer cancels'));
        systemClock.timer(5, true, () => {
          order.push('the timer');
          resolve();
        });
        near.once('data', () => {
          order.push('the answer');
          cancelled.cancel();
        });
        far.write('answer');
        block(30);
      });
    });
    await last;
    expect(order).toEqual(['the answer', 'the timer']);
    close();
  });
});

describe('the context', () => {
  const storage = new AsyncLocalStorage<string>();

  test('of a timer is that of the pool, not of the request that armed it', async () => {
    const seen = await storage.run('the request', () => {
      return new Promise((resolve) => systemClock.timer(1, true, () => resolve(storage.getStore())));
    });
    expect(seen).toBeUndefined();
  });

  test('of what the pool starts for itself is its own, that of its caller goes on', async () => {
    await storage.run('the request', async () => {
      const seen = await inOwnContext(async () => {
        await sleep(1);
        return storage.getStore();
      });
      expect(seen).toBeUndefined();
      expect(storage.getStore()).toBe('the request');
      expect(() => inOwnContext(() => expect.unreachable('thrown on'))).toThrow('thrown on');
      expect(storage.getStore()).toBe('the request');
    });
  });

  test('of a listener is that of its subscriber', () => {
    const listener = storage.run('the subscriber', () => inThisContext((n: number) => [n, storage.getStore()]));
    expect(storage.run('a request', () => listener(1))).toEqual([1, 'the subscriber']);
    expect(listener(2)).toEqual([2, 'the subscriber']);
  });
});
