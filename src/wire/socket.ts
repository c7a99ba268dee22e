import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ConnectionUnavailableError } from 'surrealdb';
import { type ClientOptions, WebSocket } from 'ws';
import { type EndpointAddress, hostOf } from '../endpoints/endpoint-address.js';
import { SocketClosedError } from '../errors/socket-closed.js';
import { UpgradeRefusedError } from '../errors/upgrade-refused.js';
import { systemClock } from '../time/clock.js';
import { patientTimer } from '../time/patient-timer.js';

/** What the transport learns from its socket beyond what the SDK reports. */
export interface SocketObserver {
  /** The socket exists; nothing is connected yet. */
  created(socket: WebSocket): void;
  /** A message of this size is being sent. */
  sending(bytes: number): void;
  /** Something arrived, so the other side is alive. */
  arrived(): void;
  /**
   * The other side began to close the socket, or ended its half of the connection: no further answer can come, though
   * the connection may last for another round trip. May be called more than once.
   */
  closing(cause: SocketClosedError): void;
  /** Why the socket failed or was closed. Called once or more; the first cause says most. */
  failed(cause: Error): void;
}

/**
 * The socket class for the SDK's engine. It keeps the real cause of a failure, gives up an unanswered handshake,
 * reports a close as soon as it is announced, and refuses calls on a closing socket. It has the `dispatchEvent` that
 * the SDK calls when it cannot read a frame: without it a corrupt frame would end the process.
 *
 * @param address where its sockets lead
 */
export function socketClass(
  address: EndpointAddress,
  observer: SocketObserver,
  handshakeTimeout: number,
): typeof globalThis.WebSocket {
  const settings: ClientOptions = { perMessageDeflate: false, ...namedServer(address) };
  class ObservedSocket extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, settings);
      // Not the timeout of `ws`, whose timer fires before the socket is read.
      const timer = patientTimer(systemClock, handshakeTimeout, true, () => {
        observer.failed(new Error(`the handshake was not answered within ${handshakeTimeout} ms`));
        this.terminate();
      });
      for (const end of ['open', 'close']) this.once(end, () => timer.cancel());
      this.on('error', (error) => {
        observer.failed(explained(error));
        // The socket is unusable; `ws` would ask the other side to close and wait half a minute for it.
        this.terminate();
      });
      for (const sign of ['message', 'ping', 'pong']) this.on(sign, () => observer.arrived());
      this.on('unexpected-response', (_request, response: IncomingMessage) => {
        observer.failed(new UpgradeRefusedError(response));
        this.terminate();
      });
      // Bun has its own `ws`, which exposes no socket: there the end of the other half is seen only at the close.
      this.on('upgrade', ({ socket }: { socket: Socket | null }) => {
        socket?.once('end', () => observer.closing(new SocketClosedError(1006, '')));
      });
      this.on('close', (code, reason) => observer.failed(new SocketClosedError(code, reason.toString())));
      observer.created(this);
    }

    /** Called by the user of the socket, and by `ws` itself as soon as a close frame arrives. */
    override close(code?: number, reason?: string | Buffer): void {
      // A code without a reason means a frame that breaks the protocol, which the event `error` reports.
      const announced = this.readyState === WebSocket.OPEN && (code === undefined || reason !== undefined);
      super.close(code, reason);
      if (announced) observer.closing(new SocketClosedError(code ?? 1005, reason?.toString() ?? ''));
    }

    override send(data: Uint8Array): void {
      // `ws` would drop the message silently, and the pool could not know that it was never sent.
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

/** What names the server in TLS and in the request, when its address holds only an IP address. */
function namedServer({ url, servername }: EndpointAddress): ClientOptions {
  if (servername === undefined) return {};
  const { protocol } = new URL(url);
  return { headers: { Host: hostOf({ url, servername }) }, ...(protocol === 'wss:' && { servername }) };
}

/** Says that the limit is this client's: the error of `ws` does not say which side's limit a message exceeded. */
function explained(error: Error): Error {
  const { code } = error as { code?: unknown };
  if (code !== 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return error;
  return new Error('the server sent a message of more than 100 MiB, which is more than this client takes', {
    cause: error,
  });
}
