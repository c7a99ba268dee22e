import type { WebSocket } from 'ws';
import { type Clock, systemClock, type Timer } from '../time/clock.js';

/** How long a socket may be silent, and how long it then has to answer a ping, in milliseconds. */
export interface LivenessSettings {
  /** 0: never pinged. */
  readonly livenessTimeout: number;
  readonly probeTimeout: number;
}

/**
 * Detects a dead peer that sends no close: a pulled cable, a machine switched off, a firewall that dropped the
 * connection. SurrealDB sends a ping every five seconds; a socket on which nothing arrives for `livenessTimeout` is
 * pinged, and closed if no answer comes.
 */
export class Liveness {
  readonly #settings: LivenessSettings;
  readonly #giveUp: (cause: Error) => void;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #lastArrival: number;
  #askedAt: number | undefined;

  constructor(settings: LivenessSettings, giveUp: (cause: Error) => void, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#giveUp = giveUp;
    this.#clock = clock;
    this.#lastArrival = clock.now();
  }

  arrived(): void {
    this.#lastArrival = this.#clock.now();
  }

  watch(socket: Pick<WebSocket, 'ping'>): void {
    const { livenessTimeout, probeTimeout } = this.#settings;
    if (livenessTimeout === 0) return;
    const look = (due: number): void => {
      const now = this.#clock.now();
      const silent = now - this.#lastArrival;
      // The event loop was blocked meanwhile, so the ping may only just have left this process: ping once more.
      const blocked = now - due > probeTimeout / 2;
      if (this.#askedAt !== undefined && this.#lastArrival < this.#askedAt && !blocked) {
        this.#giveUp(new Error(`nothing arrived for ${Math.round(silent)} ms, and a ping was not answered`));
        return;
      }
      const asks = silent >= livenessTimeout;
      this.#askedAt = asks ? now : undefined;
      if (asks) socket.ping();
      this.#arm(look, asks ? probeTimeout : livenessTimeout - silent);
    };
    this.#arm(look, livenessTimeout);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(look: (due: number) => void, delay: number): void {
    const due = this.#clock.now() + delay;
    this.#timer = this.#clock.timer(Math.max(1, delay), false, () => look(due));
  }
}
