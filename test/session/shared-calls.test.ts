import { RecordId, StringRecordId, surql } from 'surrealdb';
import { describe, expect, test, vi } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import type { Front } from '../support/front.js';
import { codec } from '../support/rpc-wire.js';
import { asked, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** Answers a query whose text or parameters hold this word as it says, and all others at once. */
function answering(front: Front, word: string, how: 'swallow' | { readonly delay: number }): void {
  front.onRequest = ({ method, params }) =>
    method === 'query' && JSON.stringify(params).includes(word) ? how : 'pass';
}

/** A pool with one connection on which calls share messages, and which knows these texts already. */
async function sharing(front: Front): Promise<ConnectionManager> {
  const pool = await own.connect(front, { maxConnections: 2, batching: 'always', pipelining: 4 });
  for (const word of ['slow', 'quick']) await pool.query('RETURN $word', { word });
  expect(pool.poolStats().total).toBe(1);
  return pool;
}

function answer(from: Pick<ConnectionManager, 'query'>, word: string): Promise<unknown> {
  const answered = from.query('RETURN $word', { word }).collect();
  // A test looks at it when it is its turn.
  answered.catch(() => {});
  return answered;
}

const arrived = (front: Front, queries: number): Promise<void> =>
  vi.waitFor(() => expect(asked(front, 'query')).toBe(queries), { interval: 2 });

describe.each(['queryTimeout', 'signal'] as const)('a call that is cut off by its %s', (limit) => {
  const reason = limit === 'signal' ? 'cut-off' : 'unanswered';

  /** The call is made by `from`; `end()` makes it end, unless time does. */
  function limited(pool: ConnectionManager) {
    const abort = new AbortController();
    const from = limit === 'signal' ? pool.scope({ signal: abort.signal }) : pool.scope({ queryTimeout: 150 });
    return { from, end: () => abort.abort() };
  }

  test('leaves the answers of those in its message, and beside it on the connection', async () => {
    const front = await own.listen();
    const pool = await sharing(front);
    answering(front, 'slow', { delay: 600 });
    const { from, end } = limited(pool);
    const before = asked(front, 'query');
    const cut = answer(from, 'slow one');
    const inMessage = answer(pool, 'slow two');
    await arrived(front, before + 1);
    const beside = answer(pool, 'quick');
    end();
    await expect(cut).rejects.toMatchObject({ outcome: 'unknown' });
    expect(await beside).toEqual(['quick']);
    expect(pool.poolStats()).toMatchObject({ leased: 1, closedBy: { [reason]: 0 } });

    // What comes now goes on another connection.
    const later = answer(pool, 'quick');
    expect(await later).toEqual(['quick']);
    expect(front.accepted).toBe(2);
    expect(await inMessage).toEqual(['slow two']);
    await vi.waitFor(() => expect(front.connections).toBe(1));
    expect(pool.poolStats()).toMatchObject({ leased: 0, idle: 1, closedBy: { [reason]: 1 } });
    expect(asked(front, 'query'), 'the two went in one message').toBe(before + 3);
  });

  test('ends its connection at once when it is the only one there', async () => {
    const front = await own.listen();
    const pool = await sharing(front);
    answering(front, 'slow', 'swallow');
    const { from, end } = limited(pool);
    const before = asked(front, 'query');
    const cut = answer(from, 'slow');
    await arrived(front, before + 1);
    end();
    await expect(cut).rejects.toMatchObject({ outcome: 'unknown' });
    await vi.waitFor(() => expect(front.connections).toBe(0));
    expect(pool.poolStats().closedBy).toMatchObject({ [reason]: 1 });
    expect(await answer(pool, 'quick')).toEqual(['quick']);
  });

  test('ends its connection with the last of those that are cut off together', async () => {
    const front = await own.listen();
    const pool = await sharing(front);
    answering(front, 'slow', 'swallow');
    const { from, end } = limited(pool);
    const before = asked(front, 'query');
    const cut = [answer(from, 'slow one'), answer(from, 'slow two')];
    await arrived(front, before + 1);
    cut.push(answer(from, 'slow three'));
    await arrived(front, before + 2);
    end();
    for (const each of cut) await expect(each).rejects.toMatchObject({ outcome: 'unknown' });
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });
});

test('calls by select(), create() and surql share a message, though the SDK numbers their parameters anew each time', async () => {
  const front = await own.listen();
  const pool = await sharing(front);
  const call = (n: number) =>
    Promise.all([
      pool.create(new RecordId('thing', n)).content({ n }),
      pool.select(new RecordId('thing', 'none')),
      pool.query(surql`RETURN ${n} + ${1}`),
    ]);
  await call(1);
  const before = asked(front, 'query');
  expect(await call(2)).toEqual([{ id: new RecordId('thing', 2), n: 2 }, undefined, [3]]);
  expect(asked(front, 'query')).toBe(before + 1);
});

test('a call with a value that the server cannot read leaves the calls beside it alone', async () => {
  const front = await own.listen();
  const pool = await sharing(front);
  // A server may not even answer it.
  const unreadable = pool.scope({ queryTimeout: 500 }).query('RETURN $word', { word: new StringRecordId('no record') });
  const ends = Promise.allSettled([unreadable.collect(), answer(pool, 'quick')]);
  expect(await ends).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: ['quick'] }]);
});

test('a lost socket leaves every call of its messages with an unknown outcome', async () => {
  const front = await own.listen();
  const pool = await sharing(front);
  await pool.query('CREATE ONLY thing SET n = $n', { n: 0 });
  const before = asked(front, 'query');
  front.onRequest = ({ method }) => (method === 'query' ? 'drop' : 'pass');
  const calls = [1, 2, 3].map((n) => pool.query('CREATE ONLY thing SET n = $n', { n }).collect());
  const ends = await Promise.allSettled(calls);
  expect(asked(front, 'query')).toBe(before + 1);
  for (const end of ends) {
    expect(end).toMatchObject({ reason: { outcome: 'unknown', code: 'ERR_POOL_CONNECTION_LOST' } });
  }
});

describe('a message of several calls that fails as a whole', () => {
  test('because the server cannot read it is sent again call by call', async () => {
    const front = await own.listen();
    const pool = await sharing(front);
    const parseError = { code: -32000, kind: 'Validation', message: 'Parse error: too deep' };
    front.onRequest = ({ method, params }) =>
      method === 'query' && String(params[0]).includes(';') ? { error: parseError } : 'pass';
    const ask = () => Promise.all(['quick', 'quick', 'slow'].map((word) => answer(pool, word)));
    const before = asked(front, 'query');
    expect(await ask()).toEqual([['quick'], ['quick'], ['slow']]);
    expect(asked(front, 'query')).toBe(before + 4);
    expect(await ask(), 'from now on they go alone').toEqual([['quick'], ['quick'], ['slow']]);
    expect(asked(front, 'query')).toBe(before + 7);
  });

  test('because a value of one call cannot be sent fails that call only', async () => {
    const front = await own.listen();
    const pool = await sharing(front);
    let reads = 0;
    const turning = {
      get number() {
        return reads++ === 0 ? 1 : 2n ** 80n;
      },
    };
    const turned = pool.query('RETURN $word', { word: turning }).collect();
    const beside = answer(pool, 'quick');
    await expect(turned).rejects.toMatchObject({ code: 'ERR_POOL_USAGE', outcome: 'not-sent' });
    expect(await beside).toEqual(['quick']);
  });

  test('because an answer is missing leaves every call with an unknown outcome: whose is missing cannot be told', async () => {
    const front = await own.listen();
    const pool = await sharing(front);
    front.onRequest = ({ method }) => (method === 'query' ? { instead: (reply) => [withoutFirst(reply)] } : 'pass');
    const ends = await Promise.allSettled(['quick', 'slow'].map((word) => answer(pool, word)));
    for (const end of ends) expect(end).toMatchObject({ reason: { outcome: 'unknown' } });
    front.onRequest = () => 'pass';
    expect(await answer(pool, 'quick')).toEqual(['quick']);
  });
});

/** The reply without what answers the first statement. */
function withoutFirst(reply: Uint8Array): Uint8Array {
  const message = codec.decode<{ result: unknown[] }>(reply);
  return codec.encode({ ...message, result: message.result.slice(1) });
}
