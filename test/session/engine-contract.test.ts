import { createNodeEngines } from '@surrealdb/node';
import {
  type BoundQuery,
  CborCodec,
  type ConnectionSession,
  type ConnectionState,
  type DriverContext,
  FlatBufferCodec,
  JsonCodec,
  type RpcEngine,
  type SurrealEngine,
  Uuid,
  WebSocketEngine,
} from 'surrealdb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { place, surroundings } from '../support/surroundings.js';

// The pool drives the SDK's engines without the SDK's controller: it gives them their state, stands between them and
// their socket, and changes two of their methods. Each test here is one seam to them. One that fails says which seam an SDK
// has changed: look at src/wire/transport.ts before the range of the peer dependency is widened.

const own = surroundings();
const credentials = { username: 'root', password: 'secret' };

type Engine = RpcEngine & SurrealEngine;

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close().catch(() => {});
  vi.restoreAllMocks();
});

/** The same object, which notes what is read of it. */
function noting<T extends object>(object: T, read: Set<string>): T {
  return new Proxy(object, {
    get(target, name) {
      if (typeof name === 'string') read.add(name);
      const value: unknown = Reflect.get(target, name);
      // A Map, a URL and a socket work only on themselves; a class has to stay itself.
      return typeof value === 'function' && value.prototype === undefined ? value.bind(target) : value;
    },
    set(target, name, value) {
      if (typeof name === 'string') read.add(`${name} =`);
      return Reflect.set(target, name, value);
    },
  });
}

/** `ws` has no `dispatchEvent`, by which the SDK tells of a frame that it cannot read. */
class SocketWithDispatch extends WebSocket {
  dispatchEvent(): boolean {
    return true;
  }
}

/** An engine that is driven as the pool does it, and everything that it read of what it was given. */
function drive(kind: 'socket' | 'embedded', url: string) {
  const read = { state: new Set<string>(), session: new Set<string>(), reconnect: new Set<string>() };
  const given = { context: new Set<string>(), options: new Set<string>(), codecs: new Set<string>() };
  const socket = { made: [] as unknown[][], read: new Set<string>(), constants: new Set<string>() };
  const ids: string[] = [];

  const options = {
    websocketImpl: new Proxy(SocketWithDispatch, {
      construct(target, parameters: [string, string]) {
        socket.made.push(parameters);
        return noting(new target(...parameters), socket.read);
      },
      get(target, name) {
        if (typeof name === 'string' && name === name.toUpperCase()) socket.constants.add(name);
        return Reflect.get(target, name);
      },
    }),
  };
  const codecs = { cbor: new CborCodec({}), flatbuffer: new FlatBufferCodec({}), json: new JsonCodec({}) };
  const uniqueId = (): string => {
    ids.push(String(ids.length + 1));
    return String(ids.length);
  };
  const context = noting(
    { options: noting(options, given.options), uniqueId, codecs: noting(codecs, given.codecs) },
    given.context,
  ) as unknown as DriverContext;
  const make = kind === 'socket' ? (of: DriverContext) => new WebSocketEngine(of) : createNodeEngines().mem;
  if (make === undefined) throw new Error('there is no embedded engine for mem://');
  const engine = make(context) as Engine;
  engines.push(engine);

  const session = Uuid.v4();
  const sessionState = { id: session, namespace: undefined, database: undefined };
  const reconnect = { enabled: false, allowed: false, reset() {}, propagate() {}, iterate: async () => {} };
  const state = noting(
    {
      url: new URL(url),
      reconnect: noting(reconnect, read.reconnect),
      retry: { enabled: false },
      rootSession: { variables: {} },
      sessions: new Map([[session, noting(sessionState, read.session)]]),
    },
    read.state,
  ) as unknown as ConnectionState;
  const events: string[] = [];
  const connected = new Promise<void>((resolve) => {
    for (const event of ['connected', 'disconnected', 'reconnecting', 'error'] as const) {
      engine.subscribe(event, () => {
        events.push(event);
        if (event === 'connected') resolve();
      });
    }
  });
  const opened = async (): Promise<void> => {
    engine.open(state);
    await connected;
  };
  return { engine, session, opened, events, ids, read, given, socket };
}

/** Everything the pool asks an engine for. */
async function everything({ engine, session }: ReturnType<typeof drive>): Promise<void> {
  await engine.version();
  await engine.attach(session);
  await engine.use(place, session);
  await engine.set('one', 1, session);
  await engine.unset('one', session);
  const query = { query: 'RETURN [1]; RETURN 1', bindings: {} } as unknown as BoundQuery;
  for await (const _ of engine.query(query, session));
  for (const end of ['commit', 'cancel'] as const) await engine[end](await engine.begin(session), session);
  const { access } = await engine.signin(credentials, session);
  await engine.authenticate(access, session);
  await engine.invalidate(session);
  await engine.detach(session);
}

const overSocket = async () => drive('socket', (await own.listen()).url);

describe('seam "what an engine reads of the connection\'s state"', () => {
  test('over a socket', async () => {
    const driven = await overSocket();
    await driven.opened();
    await everything(driven);
    expect([...driven.read.state].sort()).toEqual(['reconnect', 'sessions', 'url']);
    expect([...driven.read.session].sort(), 'of a session').toEqual([]);
    expect([...driven.read.reconnect].sort(), 'of its reconnect').toEqual(['reset']);
    await driven.engine.close();
    expect([...driven.read.reconnect].sort(), 'of its reconnect, at its end').toEqual(['enabled', 'reset']);
  });

  test('embedded', async () => {
    const driven = drive('embedded', 'mem://');
    await driven.opened();
    await driven.engine.attach(driven.session);
    await driven.engine.use(place, driven.session);
    expect([...driven.read.state]).toEqual(['url']);
    expect([...driven.read.reconnect]).toEqual([]);
  });

  test('which has no other members, for each of them is one that the pool makes up', () => {
    // A member that an SDK adds or drops is an error of the compiler here.
    const state: Record<keyof ConnectionState, true> = {
      ...{ url: true, reconnect: true, retry: true, rootSession: true, sessions: true },
    };
    const session: Record<keyof ConnectionSession, true> = {
      ...{ id: true, namespace: true, database: true, variables: true },
      ...{ accessToken: true, refreshToken: true, authRenewal: true, authOverriden: true },
    };
    expect([Object.keys(state).length, Object.keys(session).length]).toEqual([5, 8]);
  });
});

describe('seam "what an engine reads of its context"', () => {
  test.each(['socket', 'embedded'] as const)('%s', async (kind) => {
    const driven = kind === 'socket' ? await overSocket() : drive('embedded', 'mem://');
    await driven.opened();
    await driven.engine.version();
    expect([...driven.given.codecs], 'the codec in which everything is recorded').toEqual(['cbor']);
    const context = kind === 'socket' ? ['codecs', 'options', 'uniqueId'] : ['codecs', 'uniqueId'];
    expect([...driven.given.context].sort()).toEqual(context);
    expect([...driven.given.options]).toEqual(kind === 'socket' ? ['websocketImpl'] : []);
    expect(driven.ids, 'one number for each call').toHaveLength(1);
  });
});

describe('seam "events of an engine"', () => {
  test('are these, in this order, when a socket is cut', async () => {
    const front = await own.listen();
    const driven = drive('socket', front.url);
    await driven.opened();
    const call = driven.engine.send({ method: 'query', params: ['SLEEP 1m'] });
    const ended = expect(call).rejects.toThrow('terminated');
    front.dropAll();
    await ended;
    await vi.waitFor(() => expect(driven.events).toEqual(['connected', 'disconnected']));
  });

  test('are these, in this order, when nothing listens', async () => {
    const front = await own.listen();
    await front.close();
    const driven = drive('socket', front.url);
    void driven.opened();
    await vi.waitFor(() => expect(driven.events).toEqual(['error', 'disconnected']));
  });
});

/** The methods of the calls that go through `send()` from now on. */
function sentBy({ engine }: ReturnType<typeof drive>): string[] {
  const sent: string[] = [];
  const send = engine.send.bind(engine);
  engine.send = (request) => {
    sent.push(request.method);
    return send(request);
  };
  return sent;
}

describe('seam "members of the socket"', () => {
  test('which the class of the pool has to have', async () => {
    const front = await own.listen();
    const driven = drive('socket', front.url);
    await driven.opened();
    await driven.engine.version();
    expect(driven.socket.made).toEqual([[front.url, 'cbor']]);
    expect([...driven.socket.read].sort()).toEqual(['addEventListener', 'binaryType', 'send']);
    front.sockets[0]?.corrupt();
    await vi.waitFor(() => expect([...driven.socket.read], 'after a frame that is none').toContain('dispatchEvent'));
    await driven.engine.close();
    expect([...driven.socket.read].sort()).toEqual(
      ['addEventListener', 'binaryType', 'close', 'dispatchEvent', 'readyState', 'send'].sort(),
    );
    expect([...driven.socket.constants], 'of its class').toEqual(['OPEN']);
  });
});

describe('seam "methods that the pool puts its own in place of"', () => {
  test('each call goes through send(), whatever method asks for it', async () => {
    const driven = await overSocket();
    await driven.opened();
    const sent = sentBy(driven);
    await everything(driven);
    expect(sent).toEqual([
      ...['version', 'attach', 'use', 'let', 'unset', 'query', 'begin', 'commit', 'begin', 'cancel'],
      ...['signin', 'authenticate', 'invalidate', 'detach'],
    ]);
    expect(driven.ids, 'and takes one number, before it returns').toHaveLength(sent.length);
  });

  test('each reply goes through handleRpcResponse(), by the number of its call', async () => {
    const driven = await overSocket();
    await driven.opened();
    const books = driven.engine as unknown as { handleRpcResponse(reply: { id: unknown }): void };
    expect(books.handleRpcResponse).toBeTypeOf('function');
    const replies: unknown[] = [];
    const settle = books.handleRpcResponse.bind(books);
    books.handleRpcResponse = (reply) => {
      replies.push(reply.id);
      settle(reply);
    };
    await driven.engine.version();
    await driven.engine.version();
    expect(replies).toEqual(driven.ids);
    expect(() => settle({ id: 'of no call' }), 'a reply to no call is taken').not.toThrow();
  });

  test('the keep-alive is a call of send() as well, every 30 s, and nothing else is on a timer', async () => {
    const timers = vi.spyOn(globalThis, 'setInterval');
    // The front is ours, and pings by a timer of its own.
    const driven = drive('socket', (await own.listen()).url);
    await driven.opened();
    const sent: string[] = [];
    driven.engine.send = async (request) => {
      sent.push(request.method);
      return undefined as never;
    };
    const keepAlive = timers.mock.calls.filter(([, delay]) => delay === 30_000);
    expect(keepAlive).toHaveLength(1);
    keepAlive[0]?.[0]();
    expect(sent).toEqual(['ping']);
  });

  test('an embedded engine has send(), and no handleRpcResponse()', async () => {
    const driven = drive('embedded', 'mem://');
    await driven.opened();
    const sent = sentBy(driven);
    await driven.engine.version();
    expect(sent).toEqual(['version']);
    expect('handleRpcResponse' in driven.engine).toBe(false);
  });
});

describe('seam "methods of an engine"', () => {
  const ofSession = [
    'use',
    'set',
    'unset',
    'signup',
    'signin',
    'authenticate',
    'invalidate',
    'begin',
    'commit',
    'cancel',
  ];
  const ofEngine = ['open', 'close', 'subscribe', 'send', 'version', 'attach', 'detach', 'query', 'liveQuery'];
  test.each(['socket', 'embedded'] as const)('that the pool calls: %s', (kind) => {
    const { engine } = drive(kind, 'ws://127.0.0.1:1/rpc');
    const missing = [...ofSession, ...ofEngine].filter((name) => typeof Reflect.get(engine, name) !== 'function');
    expect(missing).toEqual([]);
    expect(engine.features.has).toBeTypeOf('function');
  });
});

describe('seam "chunks that an engine makes"', () => {
  test.each(['socket', 'embedded'] as const)('one for each statement: %s', async (kind) => {
    const driven = kind === 'socket' ? await overSocket() : drive('embedded', 'mem://');
    await driven.opened();
    await driven.engine.attach(driven.session);
    await driven.engine.use(place, driven.session);
    const chunks: unknown[] = [];
    const query = { query: 'RETURN 1; RETURN [1, 2]; THROW "no"', bindings: {} } as unknown as BoundQuery;
    for await (const chunk of driven.engine.query(query, driven.session)) chunks.push(chunk);
    expect(chunks).toMatchObject([
      { query: 0, batch: 0, kind: 'single', result: [1] },
      { query: 1, batch: 0, kind: 'batched-final', result: [1, 2] },
      { query: 2, batch: 0, kind: 'single', error: { message: expect.stringContaining('no') } },
    ]);
  });
});
