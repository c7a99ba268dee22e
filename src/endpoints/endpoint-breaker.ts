import type { Breaker } from '../pool/opening-policy.js';
import {
  attempted,
  type CircuitBreaker,
  type CircuitBreakerSettings,
  type CircuitBreakerState,
  closedBreaker,
  failed,
  succeeded,
  waitOf,
} from './circuit-breaker.js';

/** The breaker of one endpoint: it holds the present value of the {@link CircuitBreaker} and tells of its changes. */
export class EndpointBreaker implements Breaker {
  onChange: () => void = () => {};
  readonly #settings: CircuitBreakerSettings;
  readonly #random: () => number;
  #breaker: CircuitBreaker = closedBreaker;

  constructor(settings: CircuitBreakerSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  get state(): CircuitBreakerState {
    return this.#breaker.state;
  }

  wait(now: number): number {
    return waitOf(this.#breaker, now);
  }

  attempted(now: number): void {
    this.#become(attempted(this.#breaker, now));
  }

  succeeded(): void {
    this.#become(succeeded());
  }

  failed(now: number): void {
    if (this.#settings.failureThreshold === 0) return;
    this.#become(failed(this.#breaker, now, this.#settings, this.#random()));
  }

  #become(next: CircuitBreaker): void {
    const { state } = this.#breaker;
    this.#breaker = next;
    if (next.state !== state) this.onChange();
  }
}
