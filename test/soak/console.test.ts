import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PoolWatch } from '../../src/console/pool-watch.js';
import { browser, executable } from '../support/browser.js';
import { consoleServers } from '../support/console-server.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const serve = consoleServers();
const look = browser();
/** In milliseconds. */
const lookedAt = 60_000;

/** The middle and the 95th of a hundred, in milliseconds. */
function shown(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  return `${at(0.5)} ms, p95 ${at(0.95)} ms (${times.length})`;
}

// It measures and asserts no time: see docs/performance.md for what was measured.
test.skipIf(executable === undefined)(
  'the page with a thousand connections in motion and ten thousand waiters',
  async () => {
    const pool = await own.pool('mem://', {
      ...{ name: 'shop/orders', maxConnections: 1000, maxWaiters: 20_000, connectionTimeout: '10m' },
    });
    const connections = await Promise.all(Array.from({ length: 1000 }, () => pool.acquire()));
    await connections[0]?.query('DEFINE TABLE thing');
    for (const connection of connections)
      await connection.query('SELECT * FROM thing WHERE owner = $owner LIMIT 5', { owner: 'x' });
    let over = false;
    const waiters: Promise<void>[] = [];
    const wait = async (): Promise<void> => {
      const connection = await pool.acquire();
      if (!over) connections.push(connection);
      else connection.release();
    };
    for (let waiter = 0; waiter < 10_000; waiter++) waiters.push(wait());
    const { url } = await serve(pool, { interval: 100 });
    const page = await look(url, { viewport: { width: 1280, height: 900 } });
    await page.waitForSelector('.live');
    const ends = performance.now() + lookedAt;
    while (performance.now() < ends) {
      // Some change hands at each look, and the line stays as long as it is.
      for (const connection of connections.splice(0, 50)) connection.release();
      for (let waiter = 0; waiter < 50; waiter++) waiters.push(wait());
      await pause(200);
    }
    const frames = (await page.evaluate(
      `performance.getEntriesByName('draw').slice(3).map(({ duration }) => duration)`,
    )) as number[];
    const watch = new PoolWatch(pool);
    const reads: number[] = [];
    const sizes: number[] = [];
    for (let read = 0; read < 100; read++) {
      const began = performance.now();
      sizes.push(JSON.stringify(watch.read()).length);
      reads.push(performance.now() - began);
      await pause(10);
    }
    watch.end();
    console.log(`a frame of the page took ${shown(frames)}`);
    console.log(`a snapshot took ${shown(reads)}, and has ${Math.round((sizes[0] ?? 0) / 1024)} KiB`);
    expect(await page.textContent('#queue')).toMatch(/^10,000 callers wait/);
    expect(frames.length).toBeGreaterThan(10);
    over = true;
    for (const connection of connections) connection.release();
    await Promise.all(waiters);
  },
);
