import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DateTime, Decimal, type DriverOptions, RecordId, Surreal, Table, Uuid, Value } from 'surrealdb';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { Front, type FrontOptions } from './front.js';
import { nonsenses } from './nonsense.js';
import { codec } from './rpc-wire.js';
import { SharedEngine } from './shared-engine.js';
import { rocksdbUrl, temporaryFolder } from './temporary.js';

/** The SDK calls `dispatchEvent` on a frame it cannot decode; the socket of `ws` has no such method. */
class ClientSocket extends WebSocket {
  dispatchEvent(): boolean {
    this.terminate();
    return true;
  }
}

// The SDK's values keep their content private, where a comparison of members finds every two of a class equal.
expect.addEqualityTesters([
  (one, other) => (one instanceof Value && other instanceof Value ? one.equals(other) : undefined),
]);

const place = { namespace: 'front', database: 'front' };

let engine: SharedEngine;
let requests = 0;
const fronts: Front[] = [];
const clients: Surreal[] = [];

beforeAll(async () => {
  engine = await SharedEngine.open('mem://');
  // Defined once, because first uses at the same time conflict in the engine.
  await engine.query('DEFINE TABLE thing; DEFINE USER root ON ROOT PASSWORD "secret" ROLES OWNER', place);
});

afterEach(async () => {
  // The fronts first: a client's close waits 30 s for the answer of a half-open socket.
  for (const front of fronts.splice(0)) await front.close();
  for (const client of clients.splice(0)) await client.close();
  await engine.query('DELETE thing', place);
});

afterAll(() => engine.close());

async function listen(options?: FrontOptions): Promise<Front> {
  const front = await Front.listen(engine, options);
  fronts.push(front);
  return front;
}

/** A client of the official SDK over one socket; without a place, its session is as the server made it. */
async function connect(front: Front, where: Partial<typeof place> = place): Promise<Surreal> {
  // The option has the type of the browser's class, of which `ws` has all that the SDK uses.
  const websocketImpl = ClientSocket as unknown as NonNullable<DriverOptions['websocketImpl']>;
  const client = new Surreal({ websocketImpl });
  clients.push(client);
  await client.connect(front.url, { ...where, reconnect: false });
  return client;
}

/** A socket without the SDK, for what the SDK would not send or survive. */
function plainSocket(front: Front, options?: ClientOptions): WebSocket {
  const socket = new WebSocket(front.url, 'cbor', options);
  // A terminated front may reset the connection; unheard, that error would end the process.
  socket.on('error', () => {});
  return socket;
}

async function openSocket(front: Front): Promise<WebSocket> {
  const socket = plainSocket(front);
  await once(socket, 'open');
  return socket;
}

interface Reply {
  readonly id: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Sends a request as it is and gives its reply as it came. */
function request(socket: WebSocket, call: object): Promise<Reply> {
  const id = String(++requests);
  return new Promise((answered) => {
    const listener = (frame: Buffer) => {
      const reply = codec.decode<Reply>(new Uint8Array(frame));
      if (reply.id !== id) return;
      socket.off('message', listener);
      answered(reply);
    };
    socket.on('message', listener);
    socket.send(codec.encode({ id, ...call }));
  });
}

/** How many sessions the engine holds now, of whatever front. */
async function engineSessions(): Promise<number> {
  return codec.decode<Uuid[]>(await engine.call({ method: 'sessions' })).length;
}

/** Whether a promise is still open after a moment. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  );
  return Promise.race([settled, sleep(100, true)]);
}

/** The one socket of a front with one client. */
function onlySocket(front: Front) {
  const [connection] = front.sockets;
  if (!connection) throw new Error('no socket is open');
  return connection;
}

describe('a front serves like a server', () => {
  test('values of every type come back as they were stored', async () => {
    const client = await connect(await listen());
    const content = {
      when: new DateTime('2024-02-29T12:34:56.123456789Z'),
      price: new Decimal('123456789012345678.0123456789'),
      owner: new RecordId('person', 'tobie'),
      token: Uuid.v7(),
      count: 9007199254740993n,
      bytes: Uint8Array.of(0, 255).buffer,
      none: undefined,
      empty: null,
    };
    const id = new RecordId('thing', [1, 'a']);

    const created = await client.create(id).content(content);
    const selected = await client.select(id);

    const { none: _, ...kept } = content;
    expect(created).toEqual({ id, ...kept });
    expect(created).not.toEqual({ id, ...kept, price: new Decimal('1') });
    expect(selected).toEqual({ id, ...kept });
    expect(await client.select(new Table('thing'))).toEqual([{ id, ...kept }]);
  });

  test('a native date is stored as the same instant', async () => {
    const client = await connect(await listen());
    const when = new Date('2024-02-29T12:34:56.789Z');
    const [stored] = await client.query('RETURN $when', { when }).collect<[DateTime]>();
    expect(stored).toBeInstanceOf(DateTime);
    expect(stored.toDate()).toEqual(when);
  });

  test('a float that no encoder of JavaScript takes passes through', async () => {
    const client = await connect(await listen());
    expect(await client.query('RETURN 1e300f')).toEqual([1e300]);
  });

  test('errors of the engine arrive as the SDK knows them', async () => {
    const client = await connect(await listen());
    await client.create(new RecordId('thing', 1));
    await expect(client.create(new RecordId('thing', 1))).rejects.toMatchObject({ kind: 'AlreadyExists' });
    await expect(client.query('SELECT * FROM')).rejects.toMatchObject({ kind: 'Validation' });
    await expect(client.health()).rejects.toMatchObject({ kind: 'NotFound', message: 'Method not found' });
  });

  test('the version is the one of the engine', async () => {
    const client = await connect(await listen());
    expect(await client.version()).toEqual({ version: 'surrealdb-3.0.2' });
  });

  test('the database and the variables of one socket are unknown to another', async () => {
    const front = await listen();
    const one = await connect(front);
    const other = await connect(front, { namespace: 'front', database: 'other' });
    await one.set('name', 'one');

    const text = 'RETURN [session::db(), $name]';
    expect(await one.query(text)).toEqual([['front', 'one']]);
    expect(await other.query(text)).toEqual([['other', undefined]]);

    await one.unset('name');
    expect(await one.query(text)).toEqual([['front', undefined]]);
  });

  test('a socket may attach sessions, each with a state of its own', async () => {
    const client = await connect(await listen());
    const fresh = await client.newSession();
    const fork = await client.forkSession();
    await fork.set('name', 'fork');

    expect(await fresh.query('RETURN session::db()')).toEqual([undefined]);
    expect(await fork.query('RETURN [session::db(), $name]')).toEqual([['front', 'fork']]);
    expect(await client.query('RETURN $name')).toEqual([undefined]);
    expect((await client.sessions()).map(String).sort()).toEqual([String(fresh.session), String(fork.session)].sort());
  });

  test('a session is gone once it is detached', async () => {
    const client = await connect(await listen());
    const session = await client.newSession();
    const before = await engineSessions();
    await session.closeSession();
    expect(await client.sessions()).toEqual([]);
    expect(await engineSessions()).toBe(before - 1);
  });

  test('the session of another socket is not found', async () => {
    const front = await listen();
    const { session } = await (await connect(front)).newSession();
    const stranger = await openSocket(front);
    const { error } = await request(stranger, { method: 'query', params: ['RETURN 1'], session });
    expect(error).toMatchObject({ code: -32000, kind: 'NotFound', message: `Session not found: ${session}` });
  });

  test('two sockets that attach the same id have a session each', async () => {
    const front = await listen();
    const [one, other] = [await openSocket(front), await openSocket(front)];
    const session = Uuid.v4();
    for (const socket of [one, other]) {
      expect(await request(socket, { method: 'attach', session })).not.toHaveProperty('error');
      // Without a namespace the engine looks for no parameter at all.
      await request(socket, { method: 'use', params: ['front', 'front'], session });
    }
    await request(one, { method: 'let', params: ['name', 'one'], session });
    expect(await request(other, { method: 'query', params: ['RETURN $name'], session })).toMatchObject({
      result: [{ status: 'OK', result: undefined }],
    });
    const { error } = await request(one, { method: 'attach', session });
    expect(error).toMatchObject({ kind: 'AlreadyExists', message: `Session already exists: ${session}` });
  });

  test('the transaction of another socket is not found', async () => {
    const front = await listen();
    const { result: transaction } = await request(await openSocket(front), { method: 'begin' });
    const stranger = await openSocket(front);
    const missing = { kind: 'Validation', message: 'Transaction not found' };
    const query = await request(stranger, { method: 'query', params: ['RETURN 1'], txn: transaction });
    expect(query.error).toMatchObject(missing);
    const commit = await request(stranger, { method: 'commit', params: [transaction] });
    expect(commit.error).toMatchObject(missing);
  });

  test('a transaction keeps what was committed and nothing that was cancelled', async () => {
    const client = await connect(await listen());
    const kept = await client.beginTransaction();
    await kept.create(new RecordId('thing', 'kept'));
    expect(await client.select(new Table('thing'))).toEqual([]);
    await kept.commit();

    const dropped = await client.beginTransaction();
    await dropped.create(new RecordId('thing', 'dropped'));
    await dropped.cancel();

    expect(await client.query('SELECT VALUE id FROM thing')).toEqual([[new RecordId('thing', 'kept')]]);
    await expect(dropped.commit()).rejects.toThrow('Transaction not found');
  });

  test('a socket that closes leaves no session and no transaction behind', async () => {
    const front = await listen();
    const before = await engineSessions();
    const client = await connect(front);
    await client.newSession();
    const transaction = await client.beginTransaction();
    await transaction.create(new RecordId('thing', 'open'));
    expect(await engineSessions()).toBe(before + 2);

    const ended = onlySocket(front).closed;
    await client.close();
    await ended;

    expect(front.connections).toBe(0);
    expect(await engineSessions()).toBe(before);
    expect(await engine.query('SELECT * FROM thing', place)).toEqual([[]]);
  });

  test('live notifications reach only the socket that asked for them', async () => {
    const front = await listen();
    const [maker, bystander] = [await connect(front), await connect(front)];
    const [made, seen]: [unknown[], unknown[]] = [[], []];
    const live = await maker.live(new Table('thing'));
    live.subscribe((message) => made.push([message.action, String(message.recordId)]));
    const elsewhere = await bystander.liveOf(live.id);
    elsewhere.subscribe((message) => seen.push(message));

    await bystander.create(new RecordId('thing', 1));
    await vi.waitFor(() => expect(made).toEqual([['CREATE', 'thing:1']]));

    await live.kill();
    await bystander.create(new RecordId('thing', 2));
    await sleep(50);
    expect(made).toHaveLength(1);
    expect(seen).toEqual([]);
  });

  test('a live query ends in the engine with its socket', async () => {
    const front = await listen();
    const client = await connect(front);
    const { id } = await client.live(new Table('thing'));
    const actions: string[] = [];

    const ended = onlySocket(front).closed;
    front.dropAll();
    await ended;
    engine.listen(id.toString(), (action) => actions.push(action));
    await engine.query('CREATE thing', place);
    await sleep(50);

    expect(actions).not.toContain('CREATE');
  });

  test('queries and changes of one session at once take effect in order and do not lock it up', async () => {
    const socket = await openSocket(await listen());
    socket.setMaxListeners(0);
    const numbers = Array.from({ length: 100 }, (_, number) => number);
    const replies = numbers.flatMap((number) => [
      request(socket, { method: 'let', params: ['number', number] }),
      request(socket, { method: 'query', params: ['RETURN $number'] }),
    ]);
    const seen = (await Promise.all(replies)).flatMap(({ result }) => (Array.isArray(result) ? result : []));
    expect(seen.map((result) => result.result)).toEqual(numbers);
  });

  test('a database without a namespace is an error and not the end of the process', async () => {
    const client = await connect(await listen(), {});
    await expect(client.use({ database: 'front' })).rejects.toThrow('Specify a namespace to use');
    await client.use(place);
    await client.use({ database: 'other' });
    expect(await client.query('RETURN [session::ns(), session::db()]')).toEqual([['front', 'other']]);

    // The SDK itself refuses the third way to get there.
    const socket = await openSocket(await listen());
    await request(socket, { method: 'use', params: ['front', 'front'] });
    const { error } = await request(socket, { method: 'use', params: [null, 'front'] });
    expect(error).toMatchObject({ message: 'Specify a namespace to use' });
  });

  test('with auth, only sessions that signed in may query', async () => {
    const client = await connect(await listen({ auth: true }));
    const refusal = {
      kind: 'NotAllowed',
      code: -32002,
      message: 'Anonymous access not allowed: Not enough permissions to perform this action',
    };
    await expect(client.query('RETURN 1')).rejects.toMatchObject(refusal);
    await expect(client.signin({ username: 'root', password: 'wrong' })).rejects.toMatchObject({ kind: 'NotAllowed' });
    await expect(client.query('RETURN 1')).rejects.toMatchObject(refusal);

    const { access } = await client.signin({ username: 'root', password: 'secret' });
    expect(await client.query('RETURN 1')).toEqual([1]);

    const session = await client.newSession();
    await expect(session.query('RETURN 1')).rejects.toMatchObject(refusal);
    await session.authenticate(access);
    expect(await session.query('RETURN 1')).toEqual([1]);

    await client.invalidate();
    await expect(client.query('RETURN 1')).rejects.toMatchObject(refusal);
    await session.invalidate();
  });

  test('sockets are pinged at once and then at every interval', async () => {
    const socket = plainSocket(await listen({ pingEvery: 20 }));
    let pings = 0;
    socket.on('ping', () => {
      pings += 1;
    });
    await vi.waitFor(() => expect(pings).toBeGreaterThan(2));
    socket.terminate();
  });

  test('sockets and requests are counted, and recorded on request', async () => {
    const [front, recording] = [await listen(), await listen({ record: true })];
    const client = await connect(recording);
    const session = await client.newSession();
    await session.query('RETURN 1');
    await connect(front);

    expect([recording.connections, recording.accepted, front.connections]).toEqual([1, 1, 1]);
    expect(recording.requests.get('attach')).toBe(1);
    expect(recording.log.at(-1)).toEqual({ method: 'query', sessionId: session.session?.toString() });
    expect(recording.log).toContainEqual({ method: 'use', sessionId: undefined });
    expect(front.log).toEqual([]);

    await client.close();
    await vi.waitFor(() => expect(recording.connections).toBe(0));
    expect(recording.accepted).toBe(1);
  });

  test('a front comes back at the address of one that was closed', async () => {
    const first = await listen();
    await connect(first);
    await first.close();
    const second = await listen({ port: first.port });
    expect(second.url).toBe(first.url);
    expect(await (await connect(second)).query('RETURN 1')).toEqual([1]);
  });
});

describe('a front breaks on request', () => {
  test('drop executes the request and loses the socket instead of the reply', async () => {
    const front = await listen();
    const client = await connect(front);
    front.onRequest = (request) => (request.method === 'query' ? 'drop' : 'pass');
    await expect(client.query('CREATE thing:1')).rejects.toMatchObject({ name: 'CallTerminatedError' });
    expect(await engine.query('SELECT VALUE id FROM thing', place)).toEqual([[new RecordId('thing', 1)]]);
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('swallow executes the request and keeps the reply', async () => {
    const front = await listen();
    const client = await connect(front);
    front.onRequest = (request) => (request.params[0] === 'CREATE thing:1' ? 'swallow' : 'pass');
    expect(await isPending(client.query('CREATE thing:1').collect())).toBe(true);
    expect(await client.query('SELECT VALUE id FROM thing')).toEqual([[new RecordId('thing', 1)]]);
  });

  test('kill loses the socket and does not execute', async () => {
    const front = await listen();
    const client = await connect(front);
    front.onRequest = (_request, connection) => (connection === onlySocket(front) ? 'kill' : 'pass');
    await expect(client.query('CREATE thing:1')).rejects.toMatchObject({ name: 'CallTerminatedError' });
    expect(await engine.query('SELECT * FROM thing', place)).toEqual([[]]);
  });

  test('a delay holds one request back, and latency every one', async () => {
    const front = await listen();
    const client = await connect(front);
    front.onRequest = (request) => (request.params[0] === 'RETURN "slow"' ? { delay: 500 } : 'pass');
    const slow = client.query('RETURN "slow"').collect();
    expect(await client.query('RETURN "fast"')).toEqual(['fast']);
    expect(await isPending(slow)).toBe(true);
    expect(await slow).toEqual(['slow']);

    front.latency = 150;
    expect(await isPending(client.version())).toBe(true);
    expect(await client.query('RETURN 1')).toEqual([1]);
  });

  test('a hook that gives a promise decides when the request goes on', async () => {
    const front = await listen();
    const client = await connect(front);
    let letPass = (_: 'pass') => {};
    front.onRequest = () =>
      new Promise((settle) => {
        letPass = settle;
      });
    const held = client.query('RETURN 1').collect();
    expect(await isPending(held)).toBe(true);
    letPass('pass');
    expect(await held).toEqual([1]);
  });

  test('refuse answers the upgrade with 503', async () => {
    const front = await listen();
    front.refuse = true;
    const [error] = await once(plainSocket(front), 'error');
    expect(error.message).toContain('503');
    expect(front.accepted).toBe(0);

    front.refuse = false;
    expect(await (await connect(front)).query('RETURN 1')).toEqual([1]);
  });

  test('a black hole takes the connection and never answers', async () => {
    const front = await listen();
    front.blackHole = true;
    const [error] = await once(plainSocket(front, { handshakeTimeout: 100 }), 'error');
    expect(error.message).toContain('handshake has timed out');
    const waiting = plainSocket(front);
    const lost = once(waiting, 'error');
    await sleep(50);
    expect(waiting.readyState).toBe(WebSocket.CONNECTING);

    await front.close();
    await lost;
  });

  test('a draining front finishes what it began, refuses queries and closes with 1013', async () => {
    const front = await listen();
    const socket = await openSocket(front);
    const closing = once(socket, 'close');
    const begun = request(socket, { method: 'query', params: ['SLEEP 100ms; RETURN "done"'] });
    await vi.waitFor(() => expect(front.requests.get('query')).toBe(1));

    front.draining = true;
    expect(await request(socket, { method: 'query', params: ['RETURN 1'] })).toMatchObject({
      error: { kind: 'Internal', code: -32000, message: 'The server is gracefully shutting down' },
    });
    expect(await begun).toMatchObject({ result: [{ status: 'OK' }, { status: 'OK', result: 'done' }] });
    expect((await closing)[0]).toBe(1013);
  });

  test('the SDK knows the refusal of a draining front', async () => {
    const front = await listen();
    const client = await connect(front);
    front.draining = true;
    await expect(client.query('CREATE thing')).rejects.toMatchObject({
      name: 'InternalError',
      message: 'The server is gracefully shutting down',
    });
    await vi.waitFor(() => expect(client.status).toBe('disconnected'));
    expect(await engine.query('SELECT * FROM thing', place)).toEqual([[]]);
  });

  test('closeAll closes every socket with the code', async () => {
    const front = await listen();
    const sockets = [plainSocket(front), plainSocket(front)];
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const closes = sockets.map((socket) => once(socket, 'close'));
    front.closeAll(1013);
    expect((await Promise.all(closes)).map(([code]) => code)).toEqual([1013, 1013]);
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('dropAll terminates every socket', async () => {
    const front = await listen();
    const [one, other] = [await connect(front), await connect(front)];
    front.onRequest = () => 'swallow';
    const calls = [one.version(), other.version()];
    front.dropAll();
    const results = await Promise.allSettled(calls);
    expect(results.map((result) => result.status === 'rejected' && result.reason.name)).toEqual([
      'CallTerminatedError',
      'CallTerminatedError',
    ]);
    await vi.waitFor(() => expect(front.connections).toBe(0));
  });

  test('corrupt sends a frame that the client cannot decode', async () => {
    const front = await listen();
    const client = await connect(front);
    front.onRequest = () => 'swallow';
    const call = client.query('RETURN 1').collect();
    front.corrupt(onlySocket(front));
    await expect(call).rejects.toMatchObject({ name: 'CallTerminatedError' });
  });

  test('a frame can be larger than the client takes, and ends its socket', async () => {
    const front = await listen();
    const [small, large] = [plainSocket(front, { maxPayload: 1_000 }), plainSocket(front, { maxPayload: 2_000 })];
    await Promise.all([once(small, 'open'), once(large, 'open')]);
    const failed = once(small, 'error');
    const taken = once(large, 'message');
    for (const socket of front.sockets) socket.oversize(2_000);

    expect((await failed)[0]).toMatchObject({ code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' });
    expect((await taken)[0]).toHaveLength(2_000);
    await vi.waitFor(() => expect(front.connections).toBe(1));
  });

  test('a text frame is sent as one', async () => {
    const front = await listen();
    const socket = await openSocket(front);
    const message = once(socket, 'message');
    onlySocket(front).text('hello');
    const [data, isBinary] = await message;
    expect([String(data), isBinary]).toEqual(['hello', false]);
  });

  test('a flood of pings is sent at once: a client that answers pings one by one gives up', async () => {
    const front = await listen();
    const [few, many] = [plainSocket(front), plainSocket(front)];
    await Promise.all([once(few, 'open'), once(many, 'open')]);
    let pings = 0;
    few.on('ping', () => {
      pings += 1;
    });
    const [one, other] = front.sockets;
    one?.floodPings(10);
    await vi.waitFor(() => expect(pings).toBeGreaterThanOrEqual(10));
    const lost = once(many, 'close');
    other?.floodPings(100_000);
    await lost;
    await vi.waitFor(() => expect(front.connections).toBe(1));
  });

  test.each(nonsenses)(
    'nonsense instead of a reply: %s is valid CBOR, and the request was executed',
    async (nonsense) => {
      const front = await listen();
      const socket = await openSocket(front);
      await request(socket, { method: 'use', params: [place.namespace, place.database] });
      front.onRequest = () => ({ nonsense });
      const message = once(socket, 'message');
      socket.send(codec.encode({ id: 'mine', method: 'query', params: ['CREATE thing:1'] }));
      const [frame] = await message;
      expect(codec.decode(new Uint8Array(frame))).toEqual(
        {
          'a number': 42,
          'an array': ['mine', 'result'],
          'an unknown id': { id: 'not mine', result: [] },
          'an id that is a number': { id: 1, result: [] },
          'neither result nor error': { id: 'mine' },
        }[nonsense],
      );
      expect(await engine.query('SELECT VALUE id FROM thing', place)).toEqual([[new RecordId('thing', 1)]]);
    },
  );

  test('the SDK takes a number, an array or a text for a broken socket', async () => {
    for (const fault of ['a number', 'an array', 'text'] as const) {
      const front = await listen();
      const client = await connect(front);
      front.onRequest = (_request, connection) => {
        if (fault === 'text') connection.text();
        return fault === 'text' ? 'swallow' : { nonsense: fault };
      };
      await expect(client.query('RETURN 1')).rejects.toMatchObject({ name: 'CallTerminatedError' });
    }
  });

  test('a half-open socket neither reads nor writes, and stays open', async () => {
    const front = await listen({ pingEvery: 20 });
    const socket = plainSocket(front);
    await once(socket, 'ping');
    front.halfOpen(onlySocket(front));
    await sleep(30);

    let heard = false;
    for (const event of ['ping', 'pong', 'message', 'close']) {
      socket.on(event, () => {
        heard = true;
      });
    }
    socket.ping();
    socket.close();
    await sleep(100);
    expect(heard).toBe(false);
    expect(front.connections).toBe(1);

    await front.close();
    expect(front.connections).toBe(0);
  });
});

describe('the parts around it', () => {
  test('a rocksdb engine lies in a temporary folder', async () => {
    const url = rocksdbUrl();
    const stored = await SharedEngine.open(url);
    await stored.query('CREATE thing:1', place);
    expect(await stored.query('SELECT VALUE id FROM thing', place)).toEqual([[new RecordId('thing', 1)]]);
    expect(existsSync(new URL(url).pathname)).toBe(true);
    await stored.close();
  });

  test('an engine that cannot be opened is an error', async () => {
    const url = `rocksdb://${temporaryFolder()}/db`;
    const first = await SharedEngine.open(url);
    await expect(SharedEngine.open(url)).rejects.toThrow();
    await first.close();
  });
});
