import { beforeEach, expect, test, vi } from 'vitest';
import { bareSdk } from '../support/bare.js';
import { isPending } from '../support/pending.js';
import { asked, place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();
const credentials = { username: 'patient', password: 'secret' };

beforeEach(async () => {
  // Longer than the longest timer, which is 24.8 days.
  await own.engine.query(
    'DEFINE USER OVERWRITE patient ON ROOT PASSWORD "secret" ROLES OWNER DURATION FOR TOKEN 30d',
    place,
  );
});

test('the SDK by itself renews a token of 30 days without end, as fast as the server answers', async ({ skip }) => {
  // Node warns of each timer that is too long, and there are hundreds.
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    const front = await own.listen({ auth: true });
    const flood = new Promise<void>((flooded) => {
      front.onRequest = () => {
        if (asked(front, 'authenticate') === 20) flooded();
        return 'pass';
      };
    });
    await bare.connect(front.url, { ...place, reconnect: false, authentication: credentials });
    skip(await isPending(flood, 5_000), 'the SDK no longer renews a token over and over');
    expect(asked(front, 'signin')).toBe(1);
    await front.close();
  } finally {
    warning.mockRestore();
  }
});

test('the pool signs in once and leaves a token of 30 days alone', async () => {
  const front = await own.listen({ auth: true });
  let renewed = (): void => {};
  const renewal = new Promise<void>((renew) => {
    renewed = renew;
  });
  front.onRequest = ({ method }) => {
    if (method === 'authenticate' || asked(front, 'signin') > 1) renewed();
    return 'pass';
  };
  const pool = await own.connect(front, { credentials, maxConnections: 1 });
  expect(await pool.query('RETURN 1')).toEqual([1]);
  expect(await isPending(renewal, 500)).toBe(true);
  expect(await pool.query('RETURN time::from_unix($token.exp) > time::now() + 29d')).toEqual([true]);
  expect([asked(front, 'signin'), asked(front, 'authenticate')]).toEqual([1, 0]);
});
