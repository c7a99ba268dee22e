import { setTimeout as pause } from 'node:timers/promises';
import { type LiveMessage, LiveSubscriptionError, Table } from 'surrealdb';
import type { ConnectionManager, PooledConnection } from '../../src/index.js';
import type { Ledger } from '../chaos/ledger.js';
import type { Vigil } from '../chaos/vigil.js';

/** One live query, from its beginning to its end. */
interface Subscription {
  readonly lease: PooledConnection;
  /** See {@link Subscribers.excuse}. */
  isForgotten: boolean;
  /** When it was there: writes that were begun later are its business. */
  readonly since: number;
  /** The entries that it was told of, and how often. */
  readonly told: Map<string, number>;
}

/** Writes so close together, in milliseconds, may be told of in another order. */
const overlap = 1_000;
const limits = { acquire: 1_500, live: 500 };
const table = new Table('entry');

/**
 * Those who listen to the table of entries: each has a live query, and another one when that has ended. What they are told
 * is held against what was written.
 */
export class Subscribers {
  /** How often a live query ended with an error. */
  lost = 0;
  /** What was told twice. */
  readonly twice: string[] = [];
  readonly #pool: ConnectionManager;
  readonly #ledger: Ledger;
  readonly #vigil: Vigil;
  readonly #current = new Map<number, Subscription>();
  /** When the writing of each entry was begun that was acknowledged. */
  readonly #written = new Map<string, number>();
  readonly #ended: Promise<undefined>;
  #end: () => void = () => {};
  #isOver = false;
  #listening: readonly Promise<void>[] = [];

  constructor(pool: ConnectionManager, ledger: Ledger, vigil: Vigil) {
    this.#pool = pool;
    this.#ledger = ledger;
    this.#vigil = vigil;
    this.#ended = new Promise((resolve) => {
      this.#end = () => resolve(undefined);
    });
  }

  start(count: number): void {
    this.#listening = Array.from({ length: count }, (_, number) => this.#listen(number));
  }

  /** Takes note of an entry that was acknowledged. */
  written(name: string, begun: number): void {
    this.#written.set(name, begun);
  }

  /**
   * What those who listen now were not told, although it was written after they had begun: empty when all is well. A live
   * query that waits at a connection that is gone is not told anything.
   */
  get untold(): string[] {
    const untold: string[] = [];
    for (let number = 0; number < this.#listening.length; number++) {
      const current = this.#current.get(number);
      if (current === undefined) untold.push(`subscriber ${number} has no live query`);
      else if (!current.isForgotten)
        for (const [name, begun] of this.#written)
          if (begun > current.since && !current.told.has(name))
            untold.push(`subscriber ${number}, who was told of ${current.told.size}, of ${name}`);
    }
    return untold;
  }

  /**
   * Excuses live queries that are told of nothing any more, or never were, while their connections answer. The embedded
   * engine, 3.0.2, forgets live queries when others begin and are killed beside: 96 of 108, also for a bare SDK. No server from
   * 3.0.5 on did.
   */
  async excuse(): Promise<void> {
    for (const current of this.#current.values()) {
      if (current.isForgotten || this.#isToldOn(current)) continue;
      const answered = await current.lease.query('RETURN true').then(
        ([answer]) => answer === true,
        () => false,
      );
      if (answered && !this.#isToldOn(current)) current.isForgotten = true;
    }
  }

  /** Whether it was told of anything that was begun plainly later than the first that it was not told of. */
  #isToldOn({ since, told }: Subscription): boolean {
    const written = [...this.#written].filter(([, begun]) => begun > since);
    const firstUntold = Math.min(...written.filter(([name]) => !told.has(name)).map(([, begun]) => begun));
    return written.some(([name, begun]) => told.has(name) && begun > firstUntold + overlap);
  }

  /** Those who were told of none of these entries since they listen. */
  deafTo(names: readonly string[]): number[] {
    return this.#listening.flatMap((_, number) => {
      const { told, isForgotten } = this.#current.get(number) ?? {};
      return isForgotten === true || names.some((name) => told?.has(name)) ? [] : number;
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.#end();
    await Promise.all(this.#listening);
  }

  async #listen(number: number): Promise<void> {
    while (!this.#isOver) {
      try {
        await using lease = await this.#vigil.within(limits.acquire, `subscriber ${number}`, this.#pool.acquire());
        const live = await this.#vigil.within(limits.live, `the LIVE of ${number}`, lease.live(table));
        const told = new Map<string, number>();
        const subscription: Subscription = { lease, isForgotten: false, since: performance.now(), told };
        this.#current.set(number, subscription);
        const messages = live[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([messages.next(), this.#ended]);
          if (next === undefined || next.done === true) break;
          this.#hear(subscription, next.value);
        }
        await this.#vigil.within(limits.live, `the KILL of ${number}`, live.kill());
      } catch (error) {
        this.lost++;
        // The SDK wraps what the server said of the LIVE.
        this.#ledger.judge(error instanceof LiveSubscriptionError ? error.cause : error);
        // Time to calm down after an error that came at once.
        await pause(20);
      }
      this.#current.delete(number);
    }
  }

  #hear(subscription: Subscription, { recordId }: LiveMessage): void {
    const name = String(recordId?.id);
    const times = (subscription.told.get(name) ?? 0) + 1;
    subscription.told.set(name, times);
    if (times > 1) this.twice.push(name);
  }
}
