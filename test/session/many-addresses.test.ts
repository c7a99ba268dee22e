import tls from 'node:tls';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type OwnFactory, ownFactory } from '../support/factory.js';
import type { Front } from '../support/front.js';
import { encodeReply, failure } from '../support/rpc-wire.js';
import { surroundings } from '../support/surroundings.js';
import { certificate, certifiedName, type TlsFront, tlsFront } from '../support/tls-front.js';

const own = surroundings();
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  // The sockets before the proxy that waits for them.
  for (const end of ends.splice(0).reverse()) await end();
});

function factoryAt(url: string, options?: Parameters<typeof ownFactory>[1]): OwnFactory {
  const made = ownFactory(url, options);
  ends.push(() => made.end());
  return made;
}

/** Refuses an attach once this socket has so many sessions. */
function limitSessions(front: Front, limit: number): void {
  const sessions = new Map<number, number>();
  front.onRequest = ({ id, method }, { number }) => {
    if (method !== 'attach') return 'pass';
    const have = sessions.get(number) ?? 0;
    if (have < limit) {
      sessions.set(number, have + 1);
      return 'pass';
    }
    const details = { kind: 'Method', details: { name: 'attach' } };
    const refusal = { code: -32602, kind: 'NotAllowed', message: 'Method not allowed', details };
    return { instead: () => [encodeReply(id, failure(refusal as Parameters<typeof failure>[0]))] };
  };
}

describe('a factory of several servers', () => {
  test('opens each connection at the address it is told, and says where it is', async () => {
    const [a, b] = [await own.listen(), await own.listen()];
    const made = factoryAt(a.url, { sessionsPerTransport: 8 });
    const atB = await made.open({ url: b.url });
    const atA = await made.open({ url: a.url });
    const alsoAtB = await made.open({ url: b.url });
    const atTheOnly = await made.open();
    expect([a.connections, b.connections], 'a socket is shared, but not between servers').toEqual([1, 1]);
    expect(alsoAtB.transport).toBe(atB.transport);
    expect(atTheOnly.transport, 'without an address the configured one is meant').toBe(atA.transport);
    expect([atA.endpoint.url, atB.endpoint.url]).toEqual([a.url, b.url]);

    b.dropAll();
    await vi.waitFor(() => expect(made.deaths.map(({ id }) => id).sort()).toEqual([1, 3]));
    expect(String(made.deaths[0]?.error)).toContain('the other side ended the connection');
    expect([atA.usable, atB.usable]).toEqual([true, false]);
    expect((await made.open({ url: b.url })).usable).toBe(true);
  });

  test('learns the limit of each server, not that of all', async () => {
    const [small, large] = [await own.listen(), await own.listen()];
    limitSessions(small, 2);
    const made = factoryAt(small.url, { sessionsPerTransport: 8 });
    for (let count = 0; count < 6; count++) {
      await made.open({ url: small.url });
      await made.open({ url: large.url });
    }
    expect([small.connections, large.connections]).toEqual([3, 1]);
    large.dropAll();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(6));
    await made.open({ url: small.url });
    await made.open({ url: small.url });
    expect(small.accepted, 'the end of a socket elsewhere says nothing about this server: no socket is refused').toBe(
      4,
    );
  });

  test('names the server that failed', async () => {
    const [a, b] = [await own.listen(), await own.listen()];
    b.refuse = true;
    const made = factoryAt(a.url);
    await expect(made.open({ url: b.url })).rejects.toMatchObject({ code: 'ERR_POOL_CONNECT', endpoint: b.url });
    expect(made.factory.givenUp(new Error('slow'), { url: b.url })).toMatchObject({ endpoint: b.url });
    expect(made.factory.givenUp(new Error('slow'))).toMatchObject({ endpoint: a.url });
    const atA = await made.open({ url: a.url });
    b.refuse = false;
    const atB = await made.open({ url: b.url });
    b.onRequest = () => 'kill';
    await expect(atB.transport.version()).resolves.toMatch(/3/);
    await expect(atB.set('x', 1)).rejects.toThrow(b.url);
    expect(atA.usable).toBe(true);
  });

  test('forgets an address once nothing leads there', async () => {
    const [a, b] = [await own.listen(), await own.listen()];
    limitSessions(b, 1);
    const made = factoryAt(a.url, { sessionsPerTransport: 4 });
    const first = await made.open({ url: b.url });
    await made.open({ url: b.url });
    expect(b.accepted).toBe(2);
    await made.factory.close(first, AbortSignal.timeout(5_000));
    b.dropAll();
    await vi.waitFor(() => expect(made.deaths).toHaveLength(1));
    b.onRequest = () => 'pass';
    for (let count = 0; count < 4; count++) await made.open({ url: b.url });
    expect(b.connections, 'the limit is asked anew').toBe(1);
  });
});

describe('an address by IP of a server with a name', () => {
  async function secured(): Promise<{ front: Front; tlsAt: TlsFront; hosts: (string | undefined)[] }> {
    const front = await own.listen();
    const tlsAt = await tlsFront(front.port);
    ends.push(() => tlsAt.close());
    const createContext = tls.createSecureContext.bind(tls);
    vi.spyOn(tls, 'createSecureContext').mockImplementation((options) =>
      createContext({ ...options, ca: certificate }),
    );
    return { front, tlsAt, hosts: front.hosts };
  }

  test('is checked against the name, which is also the host that is asked for', async () => {
    const { front, tlsAt, hosts } = await secured();
    const made = factoryAt(tlsAt.url);
    const connection = await made.open({ url: tlsAt.url, servername: certifiedName });
    expect(tlsAt.names).toEqual([certifiedName]);
    expect(hosts).toEqual([`${certifiedName}:${new URL(tlsAt.url).port}`]);
    expect(connection.transport.endpoint, 'errors name the address').toBe(tlsAt.url);

    let exportHost: string | undefined;
    front.onHttp = (request, response) => {
      exportHost = request.headers.host;
      response.end('-- nothing');
    };
    const request = { ...{ namespace: 'test', database: 'test', token: undefined }, content: {} };
    const exported = await connection.transport.export(request, AbortSignal.timeout(5_000));
    expect(await exported.text()).toBe('-- nothing');
    expect(exportHost).toBe(hosts[0]);
    front.onHttp = (_request, response) => response.writeHead(403).end('{"information":"not you"}');
    await expect(connection.transport.export(request, AbortSignal.timeout(5_000))).rejects.toThrow('403 not you');
    front.onHttp = () => {};
    await expect(connection.transport.export(request, AbortSignal.timeout(50))).rejects.toThrow(/abort|timeout/i);
  });

  test('is refused without the name, and with another one', async () => {
    const { tlsAt } = await secured();
    const made = factoryAt(tlsAt.url);
    await expect(made.open({ url: tlsAt.url })).rejects.toThrow(/127\.0\.0\.1/);
    await expect(made.open({ url: tlsAt.url, servername: 'other.internal' })).rejects.toThrow(/other\.internal/);
    expect((await made.open({ url: tlsAt.url, servername: certifiedName })).usable).toBe(true);
  });
});
