import { setTimeout as pause } from 'node:timers/promises';
import { createRemoteEngines, type DriverOptions, Surreal } from 'surrealdb';
import { WebSocket } from 'ws';
import { type CallOutcome, type ConnectionManager, outcomeOf } from '../../src/index.js';
import { credentials, place } from './cluster.js';

/** One call of a caller, in milliseconds. */
export interface Sample {
  readonly begun: number;
  /** How long it waited for a connection; all of it, where that is not known. */
  readonly wait: number;
  /** How long it took in all. */
  readonly took: number;
  readonly end: 'answered' | CallOutcome;
}

/** Milliseconds between two calls of a caller. */
const think = 10;
const write = (name: string) => `UPSERT measured:⟨${name}⟩ SET times += 1`;

/** Callers who call one after the other, and what became of each call. */
export class Callers {
  readonly samples: Sample[] = [];
  /** When each call was begun that goes on. */
  readonly #open = new Map<number, number>();
  readonly #working: readonly Promise<void>[];
  #isOver = false;

  /** @param call gets a number of its own and that of its caller; resolves with how long it waited for a connection */
  constructor(count: number, call: (number: number, caller: number) => Promise<number | undefined>) {
    let number = 0;
    const work = async (caller: number): Promise<void> => {
      while (!this.#isOver) {
        const own = number++;
        const begun = performance.now();
        this.#open.set(own, begun);
        let wait: number | undefined;
        let end: Sample['end'] = 'answered';
        try {
          wait = await call(own, caller);
        } catch (error) {
          end = outcomeOf(error);
        }
        this.#open.delete(own);
        const took = performance.now() - begun;
        this.samples.push({ begun, wait: wait ?? took, took, end });
        await pause(end === 'answered' ? think : 10 * think);
      }
    };
    this.#working = Array.from({ length: count }, (_, caller) => work(caller));
  }

  /** The longest that a call took, or has taken, which was begun or went on in that time. */
  longest(from: number, to: number): number {
    const ended = this.samples.filter(({ begun, took }) => begun < to && begun + took > from).map(({ took }) => took);
    const open = [...this.#open.values()].filter((begun) => begun < to).map((begun) => performance.now() - begun);
    return Math.max(0, ...ended, ...open);
  }

  /** The calls that were begun in that time. */
  begunIn(from: number, to: number): Sample[] {
    return this.samples.filter(({ begun }) => begun >= from && begun < to);
  }

  /** The calls that were under way in that time. */
  goingOnIn(from: number, to: number): Sample[] {
    return this.samples.filter(({ begun, took }) => begun < to && begun + took > from);
  }

  /** Asks all to end after their call, and waits for those that do within so many milliseconds. */
  async stop(longest: number): Promise<void> {
    this.#isOver = true;
    await Promise.race([Promise.all(this.#working), pause(longest, undefined, { ref: false })]);
  }
}

/** Some borrow a connection and write over it, so that the wait is known; the others write by the pool. */
export function poolCallers(pool: ConnectionManager, count: number): Callers {
  return new Callers(count, async (number, caller) => {
    const begun = performance.now();
    if (caller % 2 === 0) {
      await pool.query(write(`pool-${number}`));
      return undefined;
    }
    await using connection = await pool.acquire();
    const wait = performance.now() - begun;
    await connection.query(write(`pool-${number}`));
    return wait;
  });
}

// The option has the type of the browser's class, of which `ws` has all that the SDK uses.
const websocketImpl = WebSocket as unknown as NonNullable<DriverOptions['websocketImpl']>;

/** A client of the bare SDK, which connects again by itself. */
export async function bareClient(url: string): Promise<Surreal> {
  const client = new Surreal({ websocketImpl, engines: createRemoteEngines() });
  await client.connect(url, { ...place, authentication: credentials });
  return client;
}

/** A client of the bare SDK for each address, which connects again by itself. Each caller has one of them. */
export async function bareCallers(
  urls: readonly string[],
  count: number,
): Promise<{ callers: Callers; close(): void }> {
  const clients = await Promise.all(urls.map(bareClient));
  const callers = new Callers(count, async (number, caller) => {
    await clients[caller % clients.length]?.query(write(`bare-${number}`)).collect();
    return undefined;
  });
  return {
    callers,
    close() {
      // Not waited for: it may never return.
      for (const client of clients) client.close().catch(() => {});
    },
  };
}

/** The value that so large a share of them does not pass. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
