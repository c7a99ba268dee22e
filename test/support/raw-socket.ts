import { once } from 'node:events';
import { Uuid } from 'surrealdb';
import { WebSocket } from 'ws';
import type { Place } from './backend.js';
import { codec, isObject } from './rpc-wire.js';
import type { ServerAddress } from './server-process.js';

/** A socket without a client of the SDK, so that it can be cut, and left unread. */
export async function rawSocket({ url }: ServerAddress, token: string | undefined, place: Place) {
  const socket = new WebSocket(url, 'cbor');
  await once(socket, 'open');
  const closed = new Promise<string>((resolve) => {
    socket.once('close', (code, reason) => resolve(`${code} "${reason.toString()}"`));
  });
  const call = async (method: string, params: readonly unknown[], txn?: unknown): Promise<unknown> => {
    const id = Uuid.v4().toString();
    const answered = new Promise<unknown>((resolve, reject) => {
      const read = (data: Buffer): void => {
        const reply: unknown = codec.decode(new Uint8Array(data));
        if (!isObject(reply) || reply.id !== id) return;
        socket.off('message', read);
        if (isObject(reply.error)) reject(new Error(String(reply.error.message)));
        else resolve(reply.result);
      };
      socket.on('message', read);
      socket.once('close', () => reject(new Error('the socket was closed')));
    });
    socket.send(codec.encode({ id, method, params, ...(txn === undefined ? {} : { txn }) }));
    return answered;
  };
  await call('authenticate', [token]);
  await call('use', [place.namespace, place.database]);
  return {
    call,
    closed,
    terminate: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}
