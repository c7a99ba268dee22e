import { describe, expect, test } from 'vitest';
import { Driver, type Lender } from '../../src/cli/driver.js';
import { Measurements } from '../../src/cli/measurements.js';
import type { Workload } from '../../src/cli/workload.js';

const connection = { query: () => {} } as unknown as Awaited<ReturnType<Lender['acquire']>>;

/** Lends to so many at a time, in order. */
class FewConnections implements Lender {
  lent = 0;
  most = 0;
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  async acquire() {
    if (this.lent === this.#limit) await new Promise<void>((served) => this.#waiting.push(served));
    this.lent++;
    this.most = Math.max(this.most, this.lent);
    return { ...connection, release: () => this.#release() };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  #release(): void {
    this.lent--;
    this.#waiting.shift()?.();
  }
}

function workload(run: () => Promise<void>): Workload {
  return { prepare: async () => {}, cleanUp: async () => {}, next: () => ({ kind: 'read', run }) };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function setUp(lender: Lender, run: () => Promise<void>) {
  const measurements = new Measurements(performance.now());
  return { measurements, driver: new Driver(lender, workload(run), measurements), stop: new AbortController() };
}

describe('workers', () => {
  test('do one operation after another until they are stopped', async () => {
    let running = 0;
    let most = 0;
    const { driver, measurements, stop } = setUp(new FewConnections(10), async () => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      if (measurements.succeeded.read >= 100) stop.abort();
    });
    await driver.drive({ workers: 3 }, stop.signal);
    await driver.settled(10_000);
    driver.end();
    expect(most).toBe(3);
    expect(running).toBe(0);
    expect(measurements.succeeded.read).toBeGreaterThanOrEqual(100);
    expect(measurements.unfinished).toBe(0);
  });

  test('go on after a failure, and leave the event loop its turn', async () => {
    const { driver, measurements, stop } = setUp(new FewConnections(10), () => Promise.reject(new TypeError('no')));
    setTimeout(() => stop.abort(), 100);
    await driver.drive({ workers: 3 }, stop.signal);
    expect(measurements.failed).toBeGreaterThan(0);
    expect([...measurements.errors.keys()]).toEqual(['TypeError']);
  });
});

describe('a rate', () => {
  test('begins operations whether or not earlier ones have ended', async () => {
    const lender = new FewConnections(1);
    let begun = 0;
    const { driver, measurements, stop } = setUp(lender, () => {
      begun++;
      return new Promise(() => {});
    });
    const run = driver.drive({ rate: 1_000 }, stop.signal);
    while (lender.waiting < 20) await turn();
    stop.abort();
    await run;
    driver.abandonWaiting();
    driver.end();
    expect(begun).toBe(1);
    expect(measurements.unanswered).toBe(1);
    expect(measurements.unfinished).toBe(lender.waiting + 1);
    expect(measurements.latency.count).toBe(0);
  });

  test('counts the latency from when an operation was due, not from when it could begin', async () => {
    const { driver, measurements, stop } = setUp(new FewConnections(1_000), turn);
    const run = driver.drive({ rate: 1_000 }, stop.signal);
    while (measurements.succeeded.read === 0) await turn();
    // Nothing can begin meanwhile: those that were due are all late.
    const standstill = performance.now() + 50;
    while (performance.now() < standstill);
    const before = measurements.succeeded.read;
    while (measurements.succeeded.read < before + 40) await turn();
    stop.abort();
    await run;
    const total = (time: Measurements['wait']) => time.summary().mean * time.count;
    const late = total(measurements.latency) - total(measurements.wait) - total(measurements.query);
    // Late by 1 ms, 2 ms, 3 ms and so on up to 50.
    expect(late).toBeGreaterThan(1_000);
  });

  test('drops what is due while 100,000 others are under way', async () => {
    const { driver, measurements, stop } = setUp({ acquire: () => new Promise(() => {}) }, turn);
    const run = driver.drive({ rate: 1_000_000 }, stop.signal);
    while (measurements.dropped === 0) await turn();
    stop.abort();
    await run;
    driver.end();
    expect(measurements.unfinished).toBe(100_000);
  });
});

describe('the end', () => {
  test('waits for what is under way, those that wait for a connection included', async () => {
    const { driver, measurements, stop } = setUp(new FewConnections(1), turn);
    const run = driver.drive({ workers: 5 }, stop.signal);
    stop.abort();
    await run;
    await driver.settled(10_000);
    driver.end();
    expect(measurements.succeeded.read).toBe(5);
    expect(measurements.unfinished).toBe(0);
  });

  test('of waiting lets running statements end, and those that wait go without', async () => {
    const lender = new FewConnections(1);
    let finish = () => {};
    const { driver, measurements, stop } = setUp(lender, () => new Promise((done) => (finish = done)));
    const run = driver.drive({ workers: 5 }, stop.signal);
    while (lender.waiting < 4) await turn();
    stop.abort();
    await run;
    driver.abandonWaiting();
    finish();
    await driver.settled(10_000);
    driver.end();
    expect(measurements.succeeded.read).toBe(1);
    expect(measurements.unfinished).toBe(4);
    expect(measurements.unanswered).toBe(0);
    expect(lender.lent).toBe(0);
  });

  test('comes for all, also with a statement that never ends, and nothing is measured after it', async () => {
    let fail = (_: Error) => {};
    const { driver, measurements, stop } = setUp(
      new FewConnections(5),
      () => new Promise((_, reject) => (fail = reject)),
    );
    const run = driver.drive({ workers: 1 }, stop.signal);
    await turn();
    stop.abort();
    await run;
    await driver.settled(1);
    driver.end();
    fail(new Error('too late'));
    await turn();
    expect(measurements.unfinished).toBe(1);
    expect(measurements.failed).toBe(0);
  });
});
