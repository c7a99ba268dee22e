import { expect, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

test('no more connections are reserved than there are, and a closed session gives its reserve back', async () => {
  const pool = await own.pool('mem://', { maxConnections: 4 });
  const first = pool.createSession({ agentId: 'first', reserve: 3 });
  expect(() => pool.createSession({ agentId: 'second', reserve: 2 })).toThrow(
    'reserve: 2 connections are asked for, and 3 of the 4 of the pool are reserved already: ask for fewer, or raise maxConnections',
  );
  pool.createSession({ agentId: 'third', reserve: 1 });
  await first.close();
  const next = pool.createSession({ agentId: 'fourth', reserve: 3 });
  // A child's reserve is a part of its parent's share.
  pool.createSession({ agentId: 'child', parent: next, reserve: 2 });
});
