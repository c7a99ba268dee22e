import { createPool } from '../../dist/index.js';
import { medianInterval } from '../harness/interval.mjs';
import { stopwatch } from '../harness/paired.mjs';
import { filledOwnPool } from '../support/own-pool.mjs';
import { startServer } from '../support/server.mjs';

export const question = 'how long does it take to open and to shut down 1,000 connections?';

const connections = 1_000;
/** Opening so many takes seconds: a few times tell enough. */
const mostRounds = 5;

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const server = await startServer();
  /** @type {[string, () => Promise<() => Promise<unknown>>][]} */
  const pools = [
    ['the pool alone', async () => await closing(filledOwnPool(connections))],
    ['embedded', () => ofUrl('mem://', 1)],
    [`${server.what}, a socket each`, () => ofUrl(server.url, 1)],
    [`${server.what}, 64 on a socket`, () => ofUrl(server.url, 64)],
  ];
  /** @type {(string | number)[][]} */
  const rows = [];
  for (const [name, open] of pools) {
    const opened = [];
    const closed = [];
    for (let round = 0; round < Math.min(rounds, mostRounds); round++) {
      /** @type {() => Promise<unknown> | undefined} */
      let close = () => undefined;
      opened.push(
        await stopwatch(async () => {
          close = await open();
        }),
      );
      closed.push(await stopwatch(close));
    }
    rows.push([name, ...[opened, closed].map((times) => `${medianInterval(times).median.toFixed(1)} ms`)]);
  }
  server.stop();
  yield {
    kind: 'figures',
    title: `${connections.toLocaleString('en-US')} connections`,
    columns: ['', 'opened', 'shut down'],
    rows,
  };
}

/** @param {ReturnType<typeof filledOwnPool>} filling */
async function closing(filling) {
  const pool = await filling;
  return () => pool.shutdown(0);
}

/**
 * @param {string} url
 * @param {number} sessionsPerTransport
 */
async function ofUrl(url, sessionsPerTransport) {
  const pool = await createPool(url, {
    namespace: 'bench',
    database: 'bench',
    minConnections: connections,
    maxConnections: connections,
    maxConnecting: 16,
    sessionsPerTransport,
    connectionTimeout: 0,
  });
  const leases = await Promise.all(Array.from({ length: connections }, () => pool.acquire()));
  for (const lease of leases) lease.release();
  return () => pool.shutdown();
}
