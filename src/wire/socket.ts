import { ConnectionUnavailableError } from 'surrealdb';
import { WebSocket } from 'ws';
import { systemClock } from '../time/clock.js';
import { patientTimer } from '../time/patient-timer.js';

/** What the transport learns from its socket beyond what the SDK tells. */
export interface SocketObserver {
  /** The socket exists; nothing is connected yet. */
  created(socket: WebSocket): void;
  /** Something arrived, of whatever kind: the other side is there. */
  arrived(): void;
  /** Why the socket failed, or how it was closed: called once or more, the first tells most. */
  failed(cause: Error): void;
}

/**
 * The socket class that the SDK's engine builds its socket from. It keeps the real cause of a failure, gives up a
 * handshake that is not answered, never takes a call for a socket that is closing, and has the `dispatchEvent` that the
 * SDK calls when it cannot read a frame: without it a corrupt frame would end the process.
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
        observer.failed(error);
        // `ws` would ask the other side to close and wait half a minute for it: nothing works on this socket any more.
        this.terminate();
      });
      for (const sign of ['message', 'ping', 'pong']) this.on(sign, () => observer.arrived());
      this.on('close', (code, reason) => {
        const text = reason.toString();
        observer.failed(new Error(`the socket was closed with code ${code}${text === '' ? '' : ` (${text})`}`));
      });
      observer.created(this);
    }

    override send(data: Uint8Array): void {
      // `ws` would drop it without a word, and nobody could tell any more that it was never sent.
      if (this.readyState !== WebSocket.OPEN) throw new ConnectionUnavailableError();
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
