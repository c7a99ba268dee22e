import { join } from 'node:path';
import { NodeEngine } from '@surrealdb/node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConnectError } from '../../src/index.js';
import { Transport } from '../../src/wire/transport.js';
import { surroundings } from '../support/surroundings.js';
import { temporaryFolder } from '../support/temporary.js';

const own = surroundings();
// Of the engines on disk the one that lets go of its files when it is closed.
const newUrl = () => `surrealkv://${join(temporaryFolder(), 'db')}`;
const patiently = {
  retryPolicy: { maxAttempts: 50, initialBackoff: 5, maxBackoff: 50 },
  circuitBreaker: { failureThreshold: 0 },
};

afterEach(() => {
  vi.restoreAllMocks();
});

/** Resolves as soon as an engine has begun to open; none is open before some milliseconds later. */
function openingBegun(): Promise<void> {
  const { open } = NodeEngine.prototype;
  return new Promise((begun) => {
    vi.spyOn(NodeEngine.prototype, 'open').mockImplementation(function (this: NodeEngine, state) {
      open.call(this, state);
      begun();
    });
  });
}

describe('an embedded engine that opens after it was given up is closed again, and another one can have its files', () => {
  test('when the time for it is over', async () => {
    const url = newUrl();
    const begun = openingBegun();
    const impatience = new AbortController();
    const opening = Transport.open({ url }, { openTimeout: 0, probeTimeout: 0, livenessTimeout: 0 }, impatience.signal);
    await begun;
    impatience.abort(new Error('too long'));
    await expect(opening).rejects.toThrow(ConnectError);
    await expect(opening).rejects.toThrow('too long');
    const pool = await own.pool(url, patiently);
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });

  test('when its pool is shut down', async () => {
    const url = newUrl();
    const begun = openingBegun();
    const given = await own.pool(url, { minConnections: 1, failFast: false });
    await begun;
    await given.shutdown();
    const pool = await own.pool(url, patiently);
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });
});
