import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

// A balancer with three servers behind it, one of which takes connections and never answers.
test('a cold pool lends from the two good ones before the third is given up, whichever it is', async () => {
  // All three at once: what takes its time is to wait for the dead one.
  const served = await Promise.all([0, 1, 2].map(servedBeforeFailure));
  for (const [dead, { lent, circuit }] of served.entries()) {
    expect(lent, `served while the first attempt waited in vain (dead: ${dead})`).toBeGreaterThanOrEqual(8);
    expect(circuit, `dead: ${dead}`).toEqual([]);
  }
});

/** How many of 12 callers were served before an attempt failed, and what the circuit did until all were. */
async function servedBeforeFailure(dead: number): Promise<{ lent: number; circuit: string[] }> {
  const nodes = [await own.listen(), await own.listen(), await own.listen()];
  const deadOne = nodes[dead];
  if (deadOne !== undefined) deadOne.blackHole = true;
  let next = 0;
  const balancer = createServer((client) => {
    const server = connect(nodes[next++ % 3]?.port ?? 0, '127.0.0.1');
    client.pipe(server).pipe(client);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
  });
  await new Promise<void>((listening) => balancer.listen(0, '127.0.0.1', listening));
  const address = balancer.address();
  if (address === null || typeof address === 'string') return expect.unreachable();
  try {
    const pool = await own.pool(`ws://127.0.0.1:${address.port}`, {
      ...{ minConnections: 0, maxConnections: 12, maxConnecting: 2, failFast: false },
      ...{ openTimeout: '3s', connectionTimeout: '60s' },
    });
    const circuit: string[] = [];
    pool.subscribe('circuitChanged', ({ state }) => circuit.push(state));
    let lent = 0;
    const lentAtFirstFailure = new Promise<number>((resolve) => {
      const end = pool.subscribe('openFailed', () => {
        end();
        resolve(lent);
      });
    });
    const leases = Array.from({ length: 12 }, async () => {
      const connection = await pool.acquire();
      lent++;
      return connection;
    });
    const served = await lentAtFirstFailure;
    for (const connection of await Promise.all(leases)) connection.release();
    return { lent: served, circuit };
  } finally {
    balancer.close();
  }
}
