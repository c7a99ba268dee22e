import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Forwarder } from './forwarder.js';

let server: Server;
let forwarder: Forwarder;
let served: Socket[];
let clients: Socket[];

beforeEach(async () => {
  [served, clients] = [[], []];
  // Answers everything with itself.
  server = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  forwarder = await Forwarder.listen((server.address() as AddressInfo).port);
});

afterEach(async () => {
  await forwarder.close();
  for (const socket of [...clients, ...served]) socket.destroy();
  await new Promise((closed) => server.close(closed));
});

/** A client whose socket keeps all it was sent and how it ended. */
async function client() {
  const socket = connect({ port: forwarder.port, host: '127.0.0.1' });
  clients.push(socket);
  const seen = { text: '', ends: [] as string[] };
  socket.on('data', (data) => {
    seen.text += String(data);
  });
  socket.on('end', () => seen.ends.push('end'));
  socket.on('error', (error) => seen.ends.push('code' in error ? String(error.code) : error.message));
  await once(socket, 'connect');
  return { socket, seen };
}

describe('a forwarder', () => {
  test('passes on both directions in order, and counts them', async () => {
    const { socket, seen } = await client();
    for (const word of ['one ', 'two ', 'three']) socket.write(word);
    await vi.waitFor(() => expect(seen.text).toBe('one two three'));
    expect(forwarder.traffic).toEqual({ accepted: 1, bytesToServer: 13, bytesToClient: 13 });
    expect(forwarder.url).toBe(`ws://127.0.0.1:${forwarder.port}/rpc`);
  });

  test('passes on a large answer whole, and then its end', async () => {
    const { socket, seen } = await client();
    socket.end('x'.repeat(5_000_000));
    await vi.waitFor(() => expect(seen.ends).toEqual(['end']), 10_000);
    expect(seen.text).toHaveLength(5_000_000);
    await vi.waitFor(() => expect(forwarder.connections).toBe(0));
  });

  test('that cuts what has been ended just before keeps nothing of it', async () => {
    await client();
    await vi.waitFor(() => expect(served).toHaveLength(1));
    forwarder.cutCleanly();
    forwarder.cut();
    await vi.waitFor(() => expect(forwarder.connections).toBe(0));
    expect(process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')).toHaveLength(0);
  });

  test('passes on a reset as a reset', async () => {
    const { socket, seen } = await client();
    socket.write('hello');
    await vi.waitFor(() => expect(seen.text).toBe('hello'));
    for (const other of served) other.resetAndDestroy();
    await vi.waitFor(() => expect(seen.ends).toEqual(['ECONNRESET']));
  });

  test('cuts by a reset, or cleanly by an end', async () => {
    const { seen: reset } = await client();
    await vi.waitFor(() => expect(served).toHaveLength(1));
    forwarder.cut();
    await vi.waitFor(() => expect(reset.ends).toEqual(['ECONNRESET']));

    const { seen: ended } = await client();
    await vi.waitFor(() => expect(served).toHaveLength(2));
    forwarder.cutCleanly();
    await vi.waitFor(() => expect(ended.ends).toEqual(['end']));
    await vi.waitFor(() => expect(served.every((socket) => socket.readableEnded || socket.destroyed)).toBe(true));
  });

  test('falls silent without closing anything, and passes on what waited when it resumes', async () => {
    const { socket, seen } = await client();
    forwarder.silence();
    socket.end('unheard');
    await sleep(50);
    expect([seen.text, seen.ends, forwarder.traffic.bytesToServer]).toEqual(['', [], 0]);
    expect(forwarder.connections).toBe(1);

    forwarder.resume();
    await vi.waitFor(() => expect([seen.text, seen.ends]).toEqual(['unheard', ['end']]));
  });

  test('is slow, and nothing overtakes when it becomes fast', async () => {
    const { socket, seen } = await client();
    forwarder.latency = 150;
    socket.write('slow ');
    await sleep(50);
    expect(seen.text).toBe('');
    forwarder.latency = 0;
    socket.write('fast');
    await vi.waitFor(() => expect(seen.text).toBe('slow fast'));
  });

  test('lets so many bytes pass in a second, in their order', async () => {
    const { socket, seen } = await client();
    forwarder.bytesPerSecond = 40;
    socket.write('0123456789');
    await sleep(50);
    expect(seen.text).toBe('');
    forwarder.bytesPerSecond = Number.POSITIVE_INFINITY;
    socket.write('fast');
    await vi.waitFor(() => expect(seen.text).toBe('0123456789fast'));
  });

  test('leaves connections half-open: the server is told, and the client is not', async () => {
    const { socket, seen } = await client();
    await vi.waitFor(() => expect(served).toHaveLength(1));
    forwarder.abandon();
    await vi.waitFor(() => expect(served[0]?.destroyed).toBe(true));
    socket.write('anybody?');
    await sleep(50);
    expect([seen.text, seen.ends, forwarder.connections]).toEqual(['', [], 1]);
    const { socket: next, seen: nextSeen } = await client();
    next.write('new');
    await vi.waitFor(() => expect(nextSeen.text).toBe('new'));
    forwarder.cut();
    await vi.waitFor(() => expect(seen.ends).toEqual(['ECONNRESET']));
  });

  test('refuses new connections and goes on with the open ones, until it accepts again', async () => {
    const { socket, seen } = await client();
    forwarder.refuse();
    await expect(client()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    socket.write('still here');
    await vi.waitFor(() => expect(seen.text).toBe('still here'));

    await forwarder.accept();
    const { socket: next, seen: nextSeen } = await client();
    next.write('back');
    await vi.waitFor(() => expect(nextSeen.text).toBe('back'));
  });

  test('accepts into silence: neither end is told anything', async () => {
    forwarder.acceptSilently = true;
    const { socket, seen } = await client();
    socket.write('anybody?');
    await sleep(50);
    expect([seen.text, seen.ends, served]).toEqual(['', [], []]);
    expect(forwarder.connections).toBe(1);
  });

  test('resets the client when nobody listens behind it', async () => {
    const nobody = await Forwarder.listen(forwarder.port);
    await forwarder.close();
    const socket = connect({ port: nobody.port, host: '127.0.0.1' });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await nobody.close();
  });

  test('closes while connections are open and silent', async () => {
    const { seen } = await client();
    forwarder.silence();
    await forwarder.close();
    await vi.waitFor(() => expect(seen.ends).toEqual(['ECONNRESET']));
    expect(forwarder.connections).toBe(0);
  });
});
