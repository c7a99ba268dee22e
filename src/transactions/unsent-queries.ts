import {
  type BoundQuery,
  type LiveMessage,
  type QueryChunk,
  type Session,
  SurrealQueryable,
  type Uuid,
} from 'surrealdb';
import { checkArguments } from '../calls/arguments.js';
import { asController, type Feature, type QueryChannel } from '../calls/query-channel.js';
import type { TransactionChannel } from './transaction-channel.js';
import type { Turn } from './turns.js';

/** The methods of a queryable that make one query; `api` makes an object that makes them. */
const makers = ['query', 'select', 'create', 'insert', 'relate', 'update', 'upsert', 'delete', 'run', 'auth'] as const;

/** One query that was made from a transaction, with everything that was refined from it: what these go through. */
class BuiltCall implements QueryChannel {
  readonly name: string;
  readonly #transaction: TransactionChannel;
  #turn: Turn | undefined;

  constructor(transaction: TransactionChannel, name: string) {
    this.#transaction = transaction;
    this.name = name;
    // Too late it is refused when it is sent, as everything else.
    if (transaction.state.word === 'active') transaction.unsent.add(this);
  }

  async ready(): Promise<void> {
    try {
      this.#turn ??= this.#transaction.enter();
    } catch (error) {
      throw await this.#transaction.forCaller(error);
    }
  }

  async *query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    const turn = this.#turn;
    this.#turn = undefined;
    this.#transaction.unsent.delete(this);
    yield* (await this.#transaction.run(query, turn)) as QueryChunk<T>[];
  }

  get retry(): QueryChannel['retry'] {
    return this.#transaction.retry;
  }

  get status(): QueryChannel['status'] {
    return this.#transaction.status;
  }

  liveQuery(_id: Uuid): AsyncIterable<LiveMessage> {
    return this.#transaction.liveQuery();
  }

  assertFeature(feature: Feature): void {
    this.#transaction.assertFeature(feature);
  }

  hasSession(): boolean {
    return this.#transaction.hasSession();
  }

  subscribe(): () => void {
    return () => {};
  }

  propagateError(): void {}
}

/** The makers of one call. */
class CallMaker extends SurrealQueryable {}

type Make = (...parameters: unknown[]) => unknown;

/**
 * Has every query that objects of this class make count as made, until it is sent. The SDK sends nothing that is not
 * awaited, and says nothing of it: a commit would leave it out in silence.
 *
 * @param transactionOf the transaction to count in, if there is one now
 */
export function countBuilt<Queryable extends SurrealQueryable>(
  prototype: Queryable,
  transactionOf: (self: Queryable) => { channel: TransactionChannel; session: Uuid } | undefined,
): void {
  const plain = SurrealQueryable.prototype;
  const define = (name: string, make: (self: Queryable) => Make): void => {
    Object.defineProperty(prototype, name, {
      value(this: Queryable, ...parameters: unknown[]): unknown {
        checkArguments(name, parameters);
        return make(this)(...parameters);
      },
      configurable: true,
      writable: true,
    });
  };
  for (const name of makers) {
    define(name, (self) => {
      const within = transactionOf(self);
      return (plain[name] as Make).bind(within === undefined ? self : maker(within, name));
    });
  }
  define('api', (self) => {
    const within = transactionOf(self);
    if (within === undefined) return (plain.api as Make).bind(self);
    return (prefix) => countedApi((name) => (plain.api as Make).call(maker(within, name), prefix) as object);
  });
}

function maker({ channel, session }: { channel: TransactionChannel; session: Uuid }, name: string): SurrealQueryable {
  return new CallMaker(asController(new BuiltCall(channel, name)), session);
}

/** An `api()` each of whose requests is a call of its own. */
function countedApi(make: (name: string) => object): object {
  const headers: unknown[][] = [];
  return new Proxy(
    {},
    {
      get(_target, name) {
        if (typeof name !== 'string') return undefined;
        return (...parameters: unknown[]): unknown => {
          if (name === 'header') {
            headers.push(parameters);
            return undefined;
          }
          const api = make(`api.${name}`);
          for (const header of headers) (Reflect.get(api, 'header') as Make).apply(api, header);
          return (Reflect.get(api, name) as Make).apply(api, parameters);
        };
      },
    },
  );
}
