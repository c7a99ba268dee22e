import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

// A balancer with three servers behind it, one of which takes connections and never answers.
test.each([0, 1, 2])(
  'a cold pool lends from the two good ones before the third is given up (dead: %i)',
  async (dead) => {
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
        ...{ openTimeout: '5s', connectionTimeout: '60s' },
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
      expect(await lentAtFirstFailure, 'who was served while the first attempt waited in vain').toBeGreaterThanOrEqual(
        8,
      );
      for (const connection of await Promise.all(leases)) connection.release();
      expect(circuit).toEqual([]);
    } finally {
      balancer.close();
    }
  },
);
