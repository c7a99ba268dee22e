import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ConnectionUnavailableError } from 'surrealdb';
import { WebSocket } from 'ws';
import { SocketClosedError } from '../errors/socket-closed.js';
import { UpgradeRefusedError } from '../errors/upgrade-refused.js';
import { systemClock } from '../time/clock.js';
import { patientTimer } from '../time/patient-timer.js';

/** What the transport learns from its socket beyond what the SDK tells. */
export interface SocketObserver {
  /** The socket exists; nothing is connected yet. */
  created(socket: WebSocket): void;
  /** A message of this size is being sent. */
  sending(bytes: number): void;
  /** Something arrived, of whatever kind: the other side is there. */
  arrived(): void;
  /**
   * The other side began to close the socket, or ended its half of the connection: no answer can come any more, though
   * the connection itself may last for another round trip. May be called more than once.
   */
  closing(cause: SocketClosedError): void;
  /** Why the socket failed, or how it was closed: called once or more, the first tells most. */
  failed(cause: Error): void;
}

/**
 * The socket class that the SDK's engine builds its socket from. It keeps the real cause of a failure, gives up a
 * handshake that is not answered, tells of a close as soon as it is announced, never takes a call for a socket that is
 * closing, and has the `dispatchEvent` that the SDK calls when it cannot read a frame: without it a corrupt frame would
 * end the process.
 */
export function socketClass(observer: SocketObserver, handshakeTimeout: number): typeof globalThis.WebSocket {
  class ObservedSocket extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { perMessageDeflate: false });
      // Not by `ws`, whose timer fires before the socket is read.
      const timer = patientTimer(systemClock, handshakeTimeout, true, () => {
        observer.failed(new Error(`the handshake was not answered within ${handshakeTimeout} ms`));
        this.terminate();
      });
      for (const end of ['open', 'close']) this.once(end, () => timer.cancel());
      this.on('error', (error) => {
        observer.failed(explained(error));
        // `ws` would ask the other side to close and wait half a minute for it: nothing works on this socket any more.
        this.terminate();
      });
      for (const sign of ['message', 'ping', 'pong']) this.on(sign, () => observer.arrived());
      this.on('unexpected-response', (_request, response: IncomingMessage) => {
        observer.failed(new UpgradeRefusedError(response));
        this.terminate();
      });
      // Bun has a `ws` of its own, which shows no socket: there the end of the other half is seen with the close.
      this.on('upgrade', ({ socket }: { socket: Socket | null }) => {
        socket?.once('end', () => observer.closing(new SocketClosedError(1006, '')));
      });
      this.on('close', (code, reason) => observer.failed(new SocketClosedError(code, reason.toString())));
      observer.created(this);
    }

    /** Called by the user of the socket, and by `ws` itself as soon as a close frame arrived. */
    override close(code?: number, reason?: string | Buffer): void {
      // With a code and no reason it is for a frame that breaks the protocol: the event `error` tells of that.
      const announced = this.readyState === WebSocket.OPEN && (code === undefined || reason !== undefined);
      super.close(code, reason);
      if (announced) observer.closing(new SocketClosedError(code ?? 1005, reason?.toString() ?? ''));
    }

    override send(data: Uint8Array): void {
      // `ws` would drop it without a word, and nobody could tell any more that it was never sent.
      if (this.readyState !== WebSocket.OPEN) throw new ConnectionUnavailableError();
      observer.sending(data.byteLength);
      super.send(data, (error) => {
        if (error) observer.failed(error);
      });
    }

    dispatchEvent(event: Event): boolean {
      const detail: unknown = (event as CustomEvent).detail;
      observer.failed(new Error('the server sent something that cannot be read', { cause: detail }));
      this.terminate();
      return true;
    }
  }
  return ObservedSocket as unknown as typeof globalThis.WebSocket;
}

/** `ws` does not say of which side the limit is that a message was over. */
function explained(error: Error): Error {
  const { code } = error as { code?: unknown };
  if (code !== 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return error;
  return new Error('the server sent a message of more than 100 MiB, which is more than this client takes', {
    cause: error,
  });
}
