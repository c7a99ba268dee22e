import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { PoolOptions } from '../../src/index.js';
import { type OwnFactory, ownFactory } from '../support/factory.js';
import { Front } from '../support/front.js';
import { SharedEngine } from '../support/shared-engine.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const root = { username: 'root', password: 'secret' };
const mismatch = { code: 'ERR_POOL_ENDPOINT_MISMATCH', retryable: false };
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Users of a database: as many as there are stores with a user of that name, each has a key of its own. */
const users = `DEFINE NAMESPACE IF NOT EXISTS test; USE NS test; DEFINE DATABASE IF NOT EXISTS test; USE DB test;
  DEFINE USER IF NOT EXISTS root ON ROOT PASSWORD "secret" ROLES OWNER;
  DEFINE USER OVERWRITE viewer ON DATABASE PASSWORD "secret" ROLES VIEWER`;
const viewer = { ...{ namespace: 'test', database: 'test' }, username: 'viewer', password: 'secret' };

/** A node on a store of its own. */
async function alone(options: { auth?: boolean; port?: number } = {}): Promise<Front> {
  const engine = await SharedEngine.open('mem://');
  await engine.query(users);
  const front = await Front.listen(engine, options);
  ends.push(async () => {
    await front.close();
    await engine.close();
  });
  return front;
}

function factoryOver(fronts: readonly Front[], options: Partial<PoolOptions> = {}): OwnFactory {
  const made = ownFactory(
    fronts.map(({ url }) => url),
    options,
  );
  ends.push(() => made.end());
  return made;
}

const at = ({ url }: Front) => ({ url });

describe.each([
  ['of a user of the server', root, true],
  ['of a user of the database, who may not list the nodes', viewer, true],
] as const)('the store of a server, by a session %s', (_who, credentials, auth) => {
  test('may have several servers', async () => {
    await own.engine.query(users);
    const fronts = await Promise.all([1, 2, 3].map(() => own.listen({ auth })));
    const made = factoryOver(fronts, { credentials });
    const opened = await Promise.all([...fronts, ...fronts].map((front) => made.open(at(front))));
    expect(opened.every(({ usable }) => usable)).toBe(true);
    expect(made.reports).toEqual([]);
  });

  test('is the only one: a server with another one is refused, and both are named', async () => {
    const fronts = [await alone({ auth }), await alone({ auth }), await alone({ auth })] as const;
    const made = factoryOver(fronts, { credentials });
    const first = await made.open(at(fronts[0]));
    for (const other of [fronts[1], fronts[2]]) {
      await expect(made.open(at(other))).rejects.toMatchObject({
        ...mismatch,
        ...{ endpoint: other.url, other: fronts[0].url },
        message: expect.stringContaining(`${other.url} has another store than ${fronts[0].url}`),
      });
      await vi.waitFor(() => expect(other.connections, 'and left').toBe(0));
    }
    expect(made.factory.isFatal(await made.open(at(fronts[1])).catch((error: unknown) => error))).toBe(false);
    expect((await made.open(at(fronts[0]))).usable && first.usable).toBe(true);
  });

  test('is one also when several are opened at once', async () => {
    const fronts = [await alone({ auth }), await alone({ auth }), await alone({ auth })];
    const made = factoryOver(fronts, { credentials });
    const opened = await Promise.allSettled(fronts.map((front) => made.open(at(front))));
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of opened) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(mismatch);
    expect(made.reports).toEqual([]);
  });

  test('is refused at a server that was not connected before, although that of the others is gone', async () => {
    const [a, b] = [await alone({ auth }), await alone({ auth })];
    const made = factoryOver([a, b], { credentials });
    await made.open(at(a));
    a.dropAll();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    await expect(made.open(at(b))).rejects.toMatchObject(mismatch);
  });

  test('is found at a server that was not connected before, although the others are gone', async () => {
    await own.engine.query(users);
    const [a, b] = [await own.listen({ auth }), await own.listen({ auth })];
    const made = factoryOver([a, b], { credentials });
    await made.open(at(a));
    await a.close();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    expect((await made.open(at(b))).usable).toBe(true);
    expect(made.reports).toEqual([]);
  });

  test('is refused at a server that was restarted without its data, while another one has it', async () => {
    await own.engine.query(users);
    const [a, b] = [await own.listen({ auth }), await own.listen({ auth })];
    const made = factoryOver([a, b], { credentials });
    await made.open(at(a));
    await made.open(at(b));
    await a.close();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    const restarted = await alone({ auth, port: a.port });
    await expect(made.open(at(restarted))).rejects.toMatchObject({ ...mismatch, other: b.url });
  });

  test('is accepted, and reported, at a server that was restarted without its data, when no other is connected', async () => {
    const [a, unused] = [await alone({ auth }), await alone({ auth })];
    const made = factoryOver([a, unused], { credentials });
    await made.open(at(a));
    await a.close();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    const restarted = await alone({ auth, port: a.port });
    expect((await made.open(at(restarted))).usable).toBe(true);
    expect(made.reports).toEqual([`replaced: ${a.url}`]);
    await made.open(at(restarted));
    expect(made.reports).toHaveLength(1);
  });

  test('is any once no address of it is left', async () => {
    const [a, b] = [await alone({ auth }), await alone({ auth })];
    const made = factoryOver([a, b], { credentials });
    const old = await made.open(at(a));
    await made.factory.close(old, AbortSignal.timeout(5_000));
    made.factory.forgetEndpoint(at(a).url);
    expect((await made.open(at(b))).usable).toBe(true);
    await expect(made.open(at(a))).rejects.toMatchObject(mismatch);
  });

  test('is not compared when the operator says so', async () => {
    const fronts = [await alone({ auth }), await alone({ auth })] as const;
    const made = factoryOver(fronts, { credentials, balancing: { storeCheck: 'off' } });
    for (const front of fronts) await made.open(at(front));
    for (const front of fronts) expect(front.requests.get('query') ?? 0).toBe(auth ? 1 : 0);
  });

  test.runIf(auth)('when it is not compared, is exported with a token of its own', async () => {
    const fronts = [await alone({ auth }), await alone({ auth })] as const;
    const made = factoryOver(fronts, { credentials, balancing: { storeCheck: 'off' } });
    const connections = await Promise.all(fronts.map((front) => made.open(at(front))));
    for (const connection of connections) {
      const token = (await connection.accessToken()) ?? '';
      const session = await connection.transport.attach();
      await connection.transport.authenticate(token, session);
    }
  });
});

describe('a store that cannot be compared, for a session without rights', () => {
  test('is used, which is reported once', async () => {
    const fronts = [await own.listen({ auth: true }), await own.listen({ auth: true })] as const;
    const made = factoryOver(fronts);
    for (const front of fronts) await made.open(at(front));
    for (const front of fronts) await made.open(at(front));
    expect(made.reports).toEqual([`not compared: ${fronts[0].url}`]);
  });

  test('is refused when the operator asks for that', async () => {
    const fronts = [await own.listen({ auth: true }), await own.listen({ auth: true })] as const;
    const made = factoryOver(fronts, { balancing: { storeCheck: 'required' } });
    await expect(made.open(at(fronts[0]))).rejects.toMatchObject({ ...mismatch, other: undefined });
  });
});

test('a server whose password was changed has the same store: a token that both refuse proves nothing', async () => {
  await own.engine.query(users);
  const [a, b] = [await own.listen({ auth: true }), await own.listen({ auth: true })];
  const made = factoryOver([a, b], { credentials: viewer });
  await made.open(at(a));
  await own.engine.query(users);
  expect((await made.open(at(b))).usable).toBe(true);
  expect(made.reports).toEqual([]);
});

test('a pool with one server is asked nothing', async () => {
  const front = await own.listen();
  const made = ownFactory([front.url]);
  onTestFinished(() => made.end());
  await made.open();
  expect(front.requests.get('query')).toBeUndefined();
});

test('a pool with one server that gets another one compares them', async () => {
  await own.engine.query(users);
  const [a, same] = [await own.listen({ auth: true }), await own.listen({ auth: true })];
  const other = await alone({ auth: true });
  const made = factoryOver([a], { credentials: viewer });
  await made.open(at(a));
  await made.open(at(a));
  await expect(made.open(at(other))).rejects.toMatchObject({ ...mismatch, other: a.url });
  expect((await made.open(at(same))).usable).toBe(true);
  expect(made.reports).toEqual([]);
});

test('a server that is stuck holds up no other one', async () => {
  await own.engine.query(users);
  const [a, b] = [await own.listen({ auth: true }), await own.listen({ auth: true })];
  const made = factoryOver([a, b], { credentials: viewer, probeTimeout: 50 });
  await made.open(at(a));
  a.onRequest = () => 'swallow';
  expect((await made.open(at(b))).usable).toBe(true);
  expect(made.reports).toEqual([]);
});
