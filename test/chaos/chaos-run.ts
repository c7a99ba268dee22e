import { setTimeout as pause } from 'node:timers/promises';
import { type ConnectionManager, createPool } from '../../src/index.js';
import type { Fault } from '../support/faults.js';
import { between, type Random, shuffled } from '../support/seeded-random.js';
import { Ledger } from './ledger.js';
import { place, type Scene } from './scene.js';
import { Vigil } from './vigil.js';

/** How much of it there is. */
export interface ChaosSize {
  readonly workers: number;
  /** The longest a fault lasts, in milliseconds, and the longest calm after it. */
  readonly longest: { readonly fault: number; readonly calm: number };
  /** Asked after each fault of the first list, whether that was enough. */
  readonly enough: (struck: number) => boolean;
}

// Deadlines so short that a run meets each of them many times; the faults last longer than most.
const deadlines = { connectionTimeout: 400, queryTimeout: 300 };

const pools = {
  ...place,
  ...deadlines,
  minConnections: 8,
  maxConnections: 8,
  maxConnecting: 8,
  openTimeout: 300,
  probeTimeout: 100,
  resetTimeout: 100,
  closeTimeout: 100,
  livenessTimeout: 200,
  recycleAfterUses: 200,
  validationInterval: 10,
  retryPolicy: { maxAttempts: 3, initialBackoff: 5, maxBackoff: 50 },
  circuitBreaker: { probeInterval: 20, idleProbeInterval: 100 },
  // On a busy machine the first sign-in may take longer than deadlines that are so short.
  failFast: false,
};

/** One run: a pool, workers that write through it, and faults that come and go meanwhile. */
export class ChaosRun {
  readonly pool: ConnectionManager;
  readonly ledger = new Ledger();
  readonly vigil = new Vigil();
  /** The faults that came, in their order. */
  readonly struck: string[] = [];
  readonly #scene: Scene;
  readonly #random: Random;
  #over = false;

  private constructor(pool: ConnectionManager, scene: Scene, random: Random) {
    this.pool = pool;
    this.#scene = scene;
    this.#random = random;
  }

  /** Makes the pool, while all is still well. */
  static async begin(scene: Scene, random: Random): Promise<ChaosRun> {
    await Ledger.prepare(scene.ask);
    return new ChaosRun(await createPool(scene.url, { ...pools, credentials: scene.credentials }), scene, random);
  }

  /** Resolves when all faults are gone and all workers have ended. */
  async storm({ workers, longest, enough }: ChaosSize): Promise<void> {
    this.vigil.start();
    const working = Array.from({ length: workers }, (_, worker) => this.#work(worker));
    const [first = [], ...others] = this.#scene.faults;
    // What hits all sockets at once must not hide what hits one of them: so the others are rarer.
    const rarely = { fault: longest.fault, calm: 4 * longest.calm };
    const besides = others.map((faults) => this.#strike(faults, rarely, () => this.#over));
    let count = 0;
    await this.#strike(first, longest, () => enough(++count));
    this.#over = true;
    await Promise.all([...besides, ...working]);
    this.vigil.stop();
  }

  /** All faults again and again, each time in another order. */
  async #strike(faults: readonly Fault[], longest: ChaosSize['longest'], enough: () => boolean): Promise<void> {
    for (;;) {
      for (const fault of shuffled(this.#random, faults)) {
        this.struck.push(fault.name);
        const end = fault.begin();
        await pause(between(this.#random, 0, longest.fault));
        await end();
        await pause(between(this.#random, 0, longest.calm));
        if (enough()) return;
      }
    }
  }

  async #work(worker: number): Promise<void> {
    for (let turn = 0; !this.#over; turn++) {
      const name = `worker-${worker}-${turn}`;
      const chance = this.#random();
      if (chance < 0.7) await this.#writeByPool(worker, name);
      else await this.#writeByLease(worker, name, chance > 0.9);
      // Time to think, or to calm down after an error that came at once.
      await pause(between(this.#random, 0, 10));
    }
  }

  /** One write, for which the pool borrows a connection, and another one when nothing was done. */
  async #writeByPool(worker: number, name: string): Promise<void> {
    const { maxAttempts, maxBackoff } = pools.retryPolicy;
    const limit = maxAttempts * (deadlines.connectionTimeout + deadlines.queryTimeout + maxBackoff);
    await this.ledger.write(this.pool, this.#entry(worker, name), (call) => this.vigil.within(limit, name, call));
  }

  /** Two writes on one connection, whose session is changed, too; now and then with a signal that comes in between. */
  async #writeByLease(worker: number, name: string, aborted: boolean): Promise<void> {
    const { connectionTimeout, queryTimeout } = deadlines;
    const abort = new AbortController();
    const timer = aborted ? setTimeout(() => abort.abort(), between(this.#random, 0, 100)) : undefined;
    try {
      const acquire = this.pool.acquire({ signal: abort.signal });
      await using connection = await this.vigil.within(connectionTimeout, `the acquire of ${name}`, acquire);
      const call = <Value>(promise: PromiseLike<Value>) => this.vigil.within(queryTimeout, name, promise);
      await call(connection.set('who', worker));
      for (const part of ['a', 'b']) {
        await this.ledger.write(connection, this.#entry(worker, `${name}-${part}`), call);
      }
    } catch (error) {
      this.ledger.judge(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #entry(worker: number, name: string): { name: string; worker: number; refuse: boolean } {
    return { name, worker, refuse: this.#random() < 0.1 };
  }
}
