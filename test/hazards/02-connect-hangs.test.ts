import { describe, expect, test } from 'vitest';
import { createPool, PoolError } from '../../src/index.js';
import { bareSdk } from '../support/bare.js';
import { Forwarder } from '../support/forwarder.js';
import { isPending } from '../support/pending.js';
import { SharedEngine } from '../support/shared-engine.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings();
const bare = bareSdk();

interface Situation {
  readonly url: string;
  end?(): Promise<void>;
}

const situations: readonly [string, () => Promise<Situation>][] = [
  [
    'nobody listens',
    async () => {
      const front = await own.listen();
      await front.close();
      return front;
    },
  ],
  [
    'the server answers 503',
    async () => {
      const front = await own.listen();
      front.refuse = true;
      return front;
    },
  ],
  [
    'the server takes the connection and never answers',
    async () => {
      const front = await own.listen();
      const forwarder = await Forwarder.listen(front.port);
      forwarder.acceptSilently = true;
      return { url: forwarder.url, end: () => forwarder.close() };
    },
  ],
  [
    'another engine holds the folder',
    async () => {
      const url = rocksdbUrl();
      const engine = await SharedEngine.open(url);
      return { url, end: () => engine.close() };
    },
  ],
];

describe.each(situations)('when %s', (_name, prepare) => {
  test('connect() of the SDK by itself neither resolves nor rejects', async ({ skip, onTestFinished }) => {
    const { url, end } = await prepare();
    onTestFinished(() => end?.());
    const client = bare.client();
    const over = new Promise<void>((resolve) => client.subscribe('disconnected', () => resolve()));
    const connecting = client.connect(url, { ...place, reconnect: false });
    connecting.catch(() => {});
    // Where the SDK itself gives up, it says so by this event; it does not where it goes on waiting.
    await isPending(over, 500);
    skip(!(await isPending(connecting)), 'the SDK no longer leaves connect() open');
  });

  test('the pool says within its time that it cannot connect', async ({ onTestFinished }) => {
    const { url, end } = await prepare();
    onTestFinished(() => end?.());
    const pool = createPool(url, { ...place, openTimeout: 500, retryPolicy: { maxAttempts: 1 } });
    await expect(pool).rejects.toThrow(PoolError);
    await expect(pool, 'and that it is worth another attempt').rejects.toMatchObject({ retryable: true });
  });
});
