import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type PingedSocket, Pings } from '../../src/wire/pings.js';
import { ownFactory } from '../support/factory.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

/** A socket that answers only when the test says so. */
class HeldSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly sent: string[] = [];
  ping(payload?: unknown): void {
    this.sent.push(String(payload));
  }
  get openListeners(): number {
    return this.listenerCount('pong') + this.listenerCount('close');
  }
}

describe('a ping', () => {
  test('is answered by its own pong only, and leaves no listener', async () => {
    const socket = new HeldSocket();
    const pings = new Pings(socket as unknown as PingedSocket);
    const answered: number[] = [];
    const both = [pings.ping().then(() => answered.push(1)), pings.ping().then(() => answered.push(2))];
    socket.emit('pong', Buffer.from(''));
    socket.emit('pong', Buffer.from('of somebody else'));
    await Promise.resolve();
    expect(answered).toEqual([]);
    socket.emit('pong', Buffer.from(socket.sent[1] ?? ''));
    await both[1];
    expect(answered).toEqual([2]);
    expect(socket.openListeners).toBe(2);
    socket.emit('pong', Buffer.from(socket.sent[0] ?? ''));
    socket.emit('pong', Buffer.from(socket.sent[0] ?? ''));
    await Promise.all(both);
    expect(socket.openListeners).toBe(0);
  });

  test('fails when the socket ends, also when it has ended before', async () => {
    const socket = new HeldSocket();
    const pings = new Pings(socket as unknown as PingedSocket);
    const left = [pings.ping(), pings.ping()];
    socket.readyState = 3;
    socket.emit('close');
    for (const ping of left) await expect(ping).rejects.toThrow('closed before its ping was answered');
    await expect(pings.ping()).rejects.toThrow('closed');
    expect(socket.openListeners).toBe(0);
  });
});

describe('the ping of a connection', () => {
  test('is one round trip to the server, on a shared socket as well', async () => {
    const front = await own.listen();
    const made = ownFactory(front.url, { sessionsPerTransport: 2 });
    const [one, other] = [await made.open(), await made.open()];
    await Promise.all([made.factory.ping(one), made.factory.ping(other)]);
    expect(front.sockets[0]?.pinged).toBe(2);
    front.sockets[0]?.halfOpen();
    const unanswered = made.factory.ping(one);
    unanswered.catch(() => {});
    const first = await Promise.race([unanswered.then(() => 'answered'), new Promise((r) => setTimeout(r, 50, 'not'))]);
    expect(first).toBe('not');
    one.transport.terminate();
    await expect(unanswered).rejects.toThrow('closed');
    await made.end();
  });

  test('needs nothing of an embedded engine', async () => {
    const made = ownFactory('mem://');
    await made.factory.ping(await made.open());
    await made.end();
  });
});
