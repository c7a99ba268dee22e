import type { WebSocket } from 'ws';

/** What is used of a socket. */
export type PingedSocket = Pick<WebSocket, 'readyState' | 'OPEN' | 'ping' | 'on' | 'off'>;

interface Ping {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The WebSocket pings of one socket that measure a round trip. Each has a payload of its own, so that the pong of
 * another one, or of a liveness check, does not answer it. It has no timer: its caller has a deadline, and the end of the
 * socket ends it.
 */
export class Pings {
  readonly #socket: PingedSocket;
  readonly #underWay = new Map<string, Ping>();
  #last = 0;

  constructor(socket: PingedSocket) {
    this.#socket = socket;
  }

  /** One round trip. Rejects when the socket ends first. */
  ping(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      if (socket.readyState !== socket.OPEN) {
        reject(closed());
        return;
      }
      const payload = `surreal-pool ${++this.#last}`;
      if (this.#underWay.size === 0) this.#listen();
      this.#underWay.set(payload, { resolve, reject });
      socket.ping(payload);
    });
  }

  #listen(): void {
    this.#socket.on('pong', this.#onPong);
    this.#socket.on('close', this.#onClose);
  }

  readonly #onPong = (payload: Buffer): void => {
    const key = payload.toString();
    const ping = this.#underWay.get(key);
    if (ping === undefined) return;
    this.#underWay.delete(key);
    if (this.#underWay.size === 0) this.#forgetSocket();
    ping.resolve();
  };

  readonly #onClose = (): void => {
    this.#forgetSocket();
    const left = [...this.#underWay.values()];
    this.#underWay.clear();
    for (const { reject } of left) reject(closed());
  };

  #forgetSocket(): void {
    this.#socket.off('pong', this.#onPong);
    this.#socket.off('close', this.#onClose);
  }
}

function closed(): Error {
  return new Error('the socket was closed before its ping was answered');
}
