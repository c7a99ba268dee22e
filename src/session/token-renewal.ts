import { systemClock, type Timer } from '../time/clock.js';
import { withDeadline } from '../time/deadline.js';
import type { Transport } from '../wire/transport.js';
import type { SignIn } from './sign-in.js';

/** What a renewal needs of the pool around it. */
export interface RenewalSurroundings {
  /** All sign-ins that may have a token. */
  readonly signIns: () => Iterable<SignIn>;
  /** An open transport, if there is one. */
  readonly transport: () => Transport | undefined;
  /** How long one renewal may take, in milliseconds. */
  readonly timeout: number;
  /** Called after each renewal; `error` is undefined on success. */
  readonly renewed: (error: unknown) => void;
}

/**
 * Renews tokens before they expire, with one timer for all, so that connections opened later do not need the password.
 * Only tokens in use by a connection are renewed.
 */
export class TokenRenewal {
  readonly #surroundings: RenewalSurroundings;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(surroundings: RenewalSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Sets the timer for the next renewal. Called whenever that may have changed. */
  arm(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { renewAt } of this.#surroundings.signIns()) next = Math.min(next, renewAt);
    if (next === this.#armedFor || this.#ended) return;
    this.#timer?.cancel();
    this.#armedFor = next;
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = systemClock.timer(next - systemClock.now(), false, () => this.#fire());
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  async #fire(): Promise<void> {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const { signIns, transport, timeout, renewed } = this.#surroundings;
    const now = systemClock.now();
    const due = [...signIns()].filter(({ renewAt }) => renewAt <= now);
    const carrier = transport();
    if (carrier !== undefined) {
      for (const signIn of due) {
        const renewing = withDeadline('renewing a token', timeout, [], (signal) =>
          signIn.renew(carrier, signal, timeout),
        );
        await renewing.then(() => renewed(undefined), renewed);
      }
    }
    // Without an open transport nothing can be renewed: the next connection opened sets the timer again.
    if (carrier !== undefined || due.length === 0) this.arm();
  }
}
