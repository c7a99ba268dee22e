import type { WebSocket } from 'ws';

/** How long a socket may be silent, and how long it then has to answer, in milliseconds. */
export interface LivenessSettings {
  /** 0: never asked. */
  readonly livenessTimeout: number;
  readonly probeTimeout: number;
}

/**
 * Finds out that the other side is gone when nothing says so: a cable that was pulled, a machine that was switched off,
 * a firewall that forgot the connection. SurrealDB sends a ping every five seconds; a socket on which nothing arrives for
 * three times as long is asked for a sign of life, and given up when none comes.
 */
export class Liveness {
  readonly #settings: LivenessSettings;
  readonly #giveUp: (cause: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #lastArrival = performance.now();
  #askedAt: number | undefined;

  constructor(settings: LivenessSettings, giveUp: (cause: Error) => void) {
    this.#settings = settings;
    this.#giveUp = giveUp;
  }

  arrived(): void {
    this.#lastArrival = performance.now();
  }

  watch(socket: WebSocket): void {
    const { livenessTimeout, probeTimeout } = this.#settings;
    if (livenessTimeout === 0) return;
    const look = (): void => {
      const now = performance.now();
      const silent = now - this.#lastArrival;
      if (this.#askedAt !== undefined && this.#lastArrival < this.#askedAt) {
        this.#giveUp(new Error(`nothing arrived for ${Math.round(silent)} ms, and a ping was not answered`));
        return;
      }
      const due = silent >= livenessTimeout;
      this.#askedAt = due ? now : undefined;
      if (due) socket.ping();
      this.#arm(look, due ? probeTimeout : livenessTimeout - silent);
    };
    this.#arm(look, livenessTimeout);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(look: () => void, delay: number): void {
    this.#timer = setTimeout(look, Math.max(1, delay)).unref();
  }
}
