import type { LiveMessage, LiveSubscription } from 'surrealdb';
import { messageOf } from '../errors/error-message.js';
import type { Connection } from '../session/connection.js';
import { lossless } from './lossless.js';

/**
 * A live iterator that ends with an error when its socket is lost (`ConnectionLostError`) or its lease ends
 * (`LeaseReleasedError`). The SDK's own iterators would wait for ever.
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
    // A handler learns of the end only by a last message.
    pump().catch(() => {
      if (subscription.id !== undefined) tell({ queryId: subscription.id, action: 'KILLED' } as LiveMessage);
    });
    return () => void messages.return();
  };
  return Object.assign(subscription, { [Symbol.asyncIterator]: guarded, subscribe });
}

/**
 * Guards the subscription of a live builder of the SDK. Each method of a builder (`where`, `fields` and so on) returns
 * a new builder, so these are guarded too.
 *
 * @param connection returns the connection, or throws when the lease has ended
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
      // `dispatch` sends the query and returns the subscription; a method that returns a builder refines the query.
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
