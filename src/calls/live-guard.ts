import type { LiveMessage, LiveSubscription } from 'surrealdb';
import { messageOf } from '../errors/error-message.js';
import type { Connection } from '../session/connection.js';
import { lossless } from './lossless.js';

/**
 * The SDK's live iterators wait for ever when their socket is lost or their session goes to somebody else. These end
 * with an error then: `ConnectionLostError`, or `LeaseReleasedError` at the end of the lease.
 */
class GuardedIterator implements AsyncIterableIterator<LiveMessage> {
  readonly #messages: AsyncIterator<LiveMessage>;
  readonly #connection: Connection;
  #failure: Error | undefined;
  #over = false;
  #waiting: ((error: Error) => void) | undefined;

  constructor(messages: AsyncIterator<LiveMessage>, connection: Connection) {
    this.#messages = lossless(messages);
    this.#connection = connection;
    connection.dependents.add(this.#fail);
  }

  next(): Promise<IteratorResult<LiveMessage>> {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = reject;
      this.#messages.next().then((result) => {
        this.#waiting = undefined;
        if (result.done === true) this.#end();
        resolve(result);
      }, reject);
    });
  }

  async return(): Promise<IteratorResult<LiveMessage>> {
    this.#end();
    await this.#messages.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #fail = (error: Error): void => {
    this.#end();
    if (this.#waiting === undefined) this.#failure = error;
    else this.#waiting(error);
    this.#waiting = undefined;
  };

  #end(): void {
    this.#over = true;
    this.#connection.dependents.delete(this.#fail);
  }
}

function guardSubscription(subscription: LiveSubscription, connection: () => Connection): LiveSubscription {
  const iterate = subscription[Symbol.asyncIterator].bind(subscription);
  const guarded = (): GuardedIterator => new GuardedIterator(iterate(), connection());
  const subscribe = (handler: (message: LiveMessage) => void): (() => void) => {
    const messages = guarded();
    const tell = (message: LiveMessage): void => {
      try {
        handler(message);
      } catch (error) {
        process.emitWarning(
          `a handler of a live query threw at ${message.action}: ${messageOf(error)}`,
          'SurrealPoolWarning',
        );
      }
    };
    const pump = async (): Promise<void> => {
      for await (const message of messages) tell(message);
    };
    // A handler has no other way to learn of the end than the message that says so.
    pump().catch(() => {
      if (subscription.id !== undefined) tell({ queryId: subscription.id, action: 'KILLED' } as LiveMessage);
    });
    return () => void messages.return();
  };
  return Object.assign(subscription, { [Symbol.asyncIterator]: guarded, subscribe });
}

/**
 * Guards what a live builder of the SDK will bring. Builders are made anew by each of their methods (`where`, `fields`
 * and so on), so each of these is guarded in its turn.
 *
 * @param connection gives the connection, or throws when the lease is over
 */
export function guardLive<Builder extends PromiseLike<LiveSubscription>>(
  builder: Builder,
  connection: () => Connection,
): Builder {
  const prototype: object = Object.getPrototypeOf(builder);
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method: unknown = name === 'constructor' ? undefined : Reflect.get(prototype, name);
    if (typeof method !== 'function') continue;
    const guarded = (...parameters: unknown[]): unknown => {
      const result: unknown = method.apply(builder, parameters);
      // `dispatch` sends the query and brings the subscription; a method that brings another builder refines it.
      if (name === 'dispatch') {
        return (result as Promise<LiveSubscription>).then((live) => guardSubscription(live, connection));
      }
      return isBuilder(result, prototype) ? guardLive(result, connection) : result;
    };
    Object.defineProperty(builder, name, { value: guarded });
  }
  return builder;
}

function isBuilder(value: unknown, prototype: object): value is PromiseLike<LiveSubscription> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === prototype;
}
