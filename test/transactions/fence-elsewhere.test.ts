import type { RecordId, Uuid } from 'surrealdb';
import { BoundQuery } from 'surrealdb';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EndpointAddress } from '../../src/endpoints/endpoint-address.js';
import type { Connection } from '../../src/session/connection.js';
import { CommitFence, markerTable } from '../../src/transactions/commit-fence.js';
import { plainQuery } from '../../src/transactions/plain-query.js';
import { type OwnFactory, ownFactory } from '../support/factory.js';
import { Front } from '../support/front.js';
import { SharedEngine } from '../support/shared-engine.js';
import { place, surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await own.engine.query(`REMOVE TABLE IF EXISTS ${markerTable}`, place);
});

/** What a pool with these endpoints would have. */
function fenceOver(fronts: () => readonly EndpointAddress[]): {
  made: OwnFactory;
  fence: CommitFence;
  opened: string[];
} {
  const made = ownFactory(fronts()[0]?.url ?? '');
  const opened: string[] = [];
  const fence = new CommitFence(
    { url: 'ws://any/rpc', timeout: 5_000, attemptTimeout: 300 },
    {
      endpoints: fronts,
      open: ({ identity }, endpoint, signal) => {
        opened.push(endpoint.url);
        return made.factory.open({ id: 0, identity, endpoint, signal, died: () => {} });
      },
      close: (connection) => made.factory.close(connection, AbortSignal.timeout(1_000)),
    },
  );
  ends.push(async () => {
    await fence.end(new Error('over'));
    await made.end();
  });
  return { made, fence, opened };
}

async function begin(fence: CommitFence, connection: Connection): Promise<{ marker: RecordId; transaction: Uuid }> {
  const marker = fence.newMarker();
  const transaction = await fence.openMarked(connection, marker, undefined, async () => {
    if (!fence.isSameStore(connection, marker)) await fence.compareStore(connection, marker);
    const id = await connection.begin();
    await fence.mark(connection, id, marker);
    await plainQuery(connection, new BoundQuery('CREATE ONLY thing'), id);
    return id;
  });
  return { marker, transaction };
}

/** Counts how often a connection was asked there for the id of its table. */
function comparisonsAt(front: Front): () => number {
  let compared = 0;
  front.onRequest = ({ params: [text] }) => {
    if (String(text).startsWith('RETURN (INFO FOR DB')) compared++;
    return 'pass';
  };
  return () => compared;
}

const things = async () => (await own.engine.query('RETURN count(SELECT * FROM thing)', place))[0];

describe('the outcome of a commit whose server is gone', () => {
  test.each([
    ['drop', 'committed', 1],
    ['kill', 'not-committed', 0],
  ] as const)('is found at another endpoint: %s means %s', async (fault, outcome, made) => {
    const [a, b, c] = [await own.listen(), await own.listen(), await own.listen()];
    const scene = fenceOver(() => [a, b, c]);
    const connection = await scene.made.open({ url: a.url });
    const { marker, transaction } = await begin(scene.fence, connection);
    a.onRequest = ({ method }) => (method === 'commit' ? fault : 'pass');
    await expect(connection.commit(transaction)).rejects.toMatchObject({ outcome: 'unknown' });
    await a.close();
    scene.opened.length = 0;
    expect(await scene.fence.settle(connection, marker, Date.now())).toEqual({ outcome });
    expect(scene.opened, 'not at the lost one').toEqual([b.url]);
    expect(await things()).toBe(made);
  });

  test('is sought at the next endpoint when one does not answer, and in the end at the lost one', async () => {
    const [a, b, c] = [await own.listen(), await own.listen(), await own.listen()];
    const scene = fenceOver(() => [a, b, c]);
    const connection = await scene.made.open({ url: a.url });
    const { marker, transaction } = await begin(scene.fence, connection);
    await connection.commit(transaction);
    await vi.waitFor(() => expect(a.connections, 'the sweep has ended').toBe(1));
    connection.transport.terminate();
    b.blackHole = true;
    c.refuse = true;
    scene.opened.length = 0;
    expect(await scene.fence.settle(connection, marker, Date.now())).toEqual({ outcome: 'committed' });
    expect(scene.opened).toEqual([b.url, c.url, a.url]);
    scene.opened.length = 0;
    expect(await scene.fence.settle(connection, marker, Date.now())).toEqual({ outcome: 'committed' });
    expect(scene.opened, 'an answer begins a new round').toEqual([b.url, c.url, a.url]);
  });

  test('is sought at the only endpoint there is, also when it was lost', async () => {
    const a = await own.listen();
    const scene = fenceOver(() => [a]);
    const connection = await scene.made.open({ url: a.url });
    const compared = comparisonsAt(a);
    const { marker, transaction } = await begin(scene.fence, connection);
    expect(compared(), 'one endpoint is not compared with itself').toBe(0);
    await connection.commit(transaction);
    a.dropAll();
    expect(await scene.fence.settle(connection, marker, Date.now())).toEqual({ outcome: 'committed' });
  });
});

describe('the table of markers', () => {
  test('is prepared at the next endpoint when one is silent, and another refuses', async () => {
    const [a, b, c] = [await own.listen(), await own.listen(), await own.listen()];
    const scene = fenceOver(() => [b, c, a]);
    const connection = await scene.made.open({ url: a.url });
    b.blackHole = true;
    c.refuse = true;
    const { transaction } = await begin(scene.fence, connection);
    expect(scene.opened.slice(0, 3)).toEqual([b.url, c.url, a.url]);
    await connection.cancel(transaction);
  });

  test('is asked for once at each endpoint when none answers', async () => {
    const [a, b, c] = [await own.listen(), await own.listen(), await own.listen()];
    const scene = fenceOver(() => [b, c]);
    const connection = await scene.made.open({ url: a.url });
    b.refuse = true;
    c.refuse = true;
    await expect(begin(scene.fence, connection)).rejects.toMatchObject({
      code: 'ERR_POOL_CONNECT',
      outcome: 'not-sent',
    });
    expect(scene.opened).toEqual([b.url, c.url]);
  });
});

describe('the store of the fence', () => {
  test('is compared once for each transport, and again when the table is made again', async () => {
    const [a, b] = [await own.listen(), await own.listen()];
    const scene = fenceOver(() => [b, a]);
    const connection = await scene.made.open({ url: a.url });
    const compared = comparisonsAt(a);
    await begin(scene.fence, connection);
    await begin(scene.fence, connection);
    expect(compared()).toBe(1);
    await own.engine.query(`REMOVE TABLE ${markerTable}`, place);
    await own.engine.query(`DEFINE TABLE ${markerTable} COMMENT 'of another pool'`, place);
    const other = await scene.made.open({ url: a.url });
    await begin(scene.fence, other);
    expect(compared(), 'the first found another table, and asked for it').toBe(3);
  });

  test('must be that of the transaction: else no transaction is begun', async () => {
    const another = await SharedEngine.open(rocksdbUrl());
    onTestFinished(() => another.close());
    await another.query('DEFINE NAMESPACE test; USE NS test; DEFINE DATABASE test');
    const a = await Front.listen(another);
    ends.push(() => a.close());
    const b = await own.listen();
    const scene = fenceOver(() => [b, a]);
    const connection = await scene.made.open({ url: a.url });
    const refusal = { code: 'ERR_POOL_COMMIT_VERIFICATION', message: expect.stringContaining(a.url) };
    await expect(begin(scene.fence, connection)).rejects.toMatchObject(refusal);
    // Also with a table of the same name there.
    await another.query(`DEFINE TABLE ${markerTable} COMMENT 'of another store'`, place);
    await expect(begin(scene.fence, connection)).rejects.toMatchObject(refusal);
    expect(a.requests.get('begin')).toBeUndefined();
  });
});
