import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import type { OpenContext, ResourceFactory } from './contract.js';
import type { Identity } from './identity-group.js';

/**
 * A factory whose synchronous questions never throw. The pool asks them in the middle of an acquire, a release or a
 * sweep, where a throw would lose the connection or stop a timer. If one throws, the most cautious answer is returned.
 * Asynchronous steps pass through unchanged: their rejection is their result.
 */
export class GuardedFactory<R, I extends Identity> implements ResourceFactory<R, I> {
  readonly #factory: ResourceFactory<R, I>;

  constructor(factory: ResourceFactory<R, I>) {
    this.#factory = factory;
  }

  open(context: OpenContext<I>): Promise<R> {
    return this.#factory.open(context);
  }

  change(resource: R, identity: I, signal: AbortSignal): Promise<void> {
    return this.#factory.change(resource, identity, signal);
  }

  reset(resource: R, signal: AbortSignal): Promise<void> {
    return this.#factory.reset(resource, signal);
  }

  probe(resource: R, signal: AbortSignal): Promise<void> {
    return this.#factory.probe(resource, signal);
  }

  close(resource: R, signal: AbortSignal): Promise<void> {
    return this.#factory.close(resource, signal);
  }

  /** If it throws: not clean, so the connection is reset. */
  isClean(resource: R): boolean {
    try {
      return this.#factory.isClean(resource);
    } catch {
      return false;
    }
  }

  /** If it throws: lent only after a probe. */
  lendableUntil(resource: R): number {
    try {
      return this.#factory.lendableUntil(resource);
    } catch {
      return Number.NEGATIVE_INFINITY;
    }
  }

  seats(resource: R): number {
    try {
      return this.#factory.seats(resource);
    } catch {
      return 1;
    }
  }

  isShareable(resource: R): boolean {
    try {
      return this.#factory.isShareable(resource);
    } catch {
      return false;
    }
  }

  /** If it throws: not idle. */
  idleFor(resource: R): number | undefined {
    try {
      return this.#factory.idleFor(resource);
    } catch {
      return 0;
    }
  }

  /** If it throws: never. */
  answeredAt(resource: R): number {
    try {
      return this.#factory.answeredAt(resource);
    } catch {
      return Number.NEGATIVE_INFINITY;
    }
  }

  /** If it throws: a failure, not an answer. */
  isAnswer(error: unknown): boolean {
    try {
      return this.#factory.isAnswer(error);
    } catch {
      return false;
    }
  }

  /** If it throws: not fatal, so the pool tries again. */
  isFatal(error: unknown): boolean {
    try {
      return this.#factory.isFatal(error);
    } catch {
      return false;
    }
  }

  givenUp(reason: unknown, endpoint?: EndpointAddress): unknown {
    try {
      return this.#factory.givenUp?.(reason, endpoint) ?? reason;
    } catch {
      return reason;
    }
  }

  retryAfter(error: unknown): number | undefined {
    try {
      return this.#factory.retryAfter?.(error);
    } catch {
      return undefined;
    }
  }

  async ping(resource: R): Promise<void> {
    await this.#factory.ping?.(resource);
  }

  /** If it throws: it does not. */
  isLeaving(error: unknown): boolean {
    try {
      return this.#factory.isLeaving?.(error) ?? false;
    } catch {
      return false;
    }
  }

  forgetEndpoint(url: string): void {
    try {
      this.#factory.forgetEndpoint?.(url);
    } catch {
      // Nothing depends on it.
    }
  }

  isIllness(error: unknown): boolean {
    try {
      return this.#factory.isIllness?.(error) ?? true;
    } catch {
      return true;
    }
  }
}
