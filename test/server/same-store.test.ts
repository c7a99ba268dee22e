import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type OwnFactory, ownFactory } from '../support/factory.js';
import { RealServer } from '../support/real-server.js';
import { ServerProcess } from '../support/server-process.js';

const root = { username: 'root', password: 'secret' };
const place = { namespace: 'test', database: 'test' };
const viewer = { ...place, username: 'viewer', password: 'secret' };

async function server(): Promise<ServerProcess> {
  const started = await ServerProcess.start({ storage: 'memory' });
  onTestFinished(() => started.kill());
  await addUsers(started);
  return started;
}

async function addUsers(started: ServerProcess): Promise<void> {
  const beside = await RealServer.connect(started);
  await beside.query('DEFINE NAMESPACE IF NOT EXISTS test; USE NS test; DEFINE DATABASE IF NOT EXISTS test');
  await beside.query('DEFINE USER viewer ON DATABASE PASSWORD "secret" ROLES VIEWER', place);
  await beside.close();
}

function factoryOver(urls: readonly string[], credentials: typeof root): OwnFactory {
  const made = ownFactory(urls, { credentials });
  onTestFinished(() => made.end());
  return made;
}

describe.each([
  ['of the server', root],
  ['of the database', viewer],
])('separate servers in memory, by a user %s', (_level, credentials) => {
  test('are told apart, and one server by two addresses is one', async () => {
    const [a, b, c] = await Promise.all([server(), server(), server()]);
    const byName = a.url.replace('127.0.0.1', 'localhost');
    const made = factoryOver([a.url, b.url, c.url], credentials);
    await made.open(a);
    await made.open({ url: byName });
    for (const { url } of [b, c]) {
      await expect(made.open({ url })).rejects.toMatchObject({ code: 'ERR_POOL_ENDPOINT_MISMATCH', endpoint: url });
    }
    expect(made.reports).toEqual([]);
  });

  test('one that is restarted has lost its store: reported when it is the only one, else refused', async () => {
    const [a, b] = [await server(), await server()];
    const made = factoryOver([a.url, b.url], credentials);
    await made.open(a);
    await a.kill();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    await a.start();
    await addUsers(a);
    await made.open(a);
    expect(made.reports).toEqual([`replaced: ${a.url}`]);
    await expect(made.open(b)).rejects.toMatchObject({ code: 'ERR_POOL_ENDPOINT_MISMATCH' });
  });
});

test('a server on disk that is restarted has its store', async () => {
  const a = await ServerProcess.start();
  onTestFinished(() => a.kill());
  const made = factoryOver([a.url, 'ws://127.0.0.1:1'], root);
  for (const end of ['stop', 'kill'] as const) {
    await made.open(a);
    const ended = made.deaths.length;
    await a[end]();
    await vi.waitFor(() => expect(made.deaths.length).toBeGreaterThan(ended));
    await a.start();
  }
  expect((await made.open(a)).usable).toBe(true);
  expect(made.reports).toEqual([]);
});
