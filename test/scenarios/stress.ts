import { expect } from 'vitest';
import {
  AcquireAbortedError,
  AcquireFailedError,
  AcquireTimeoutError,
  CircuitOpenError,
  PoolShutdownError,
  QueueFullError,
} from '../../src/errors/acquire.js';
import { PoolError } from '../../src/errors/pool-error.js';
import { fullJitterBackoff } from '../../src/time/backoff.js';
import type { Behaviour, Step } from '../support/fake-resources.js';
import { expectBalance, expectNothingIsLeft, makePool, type PoolUnderTest } from '../support/pool-under-test.js';

/** The same numbers from 0 to 1 for the same seed, whatever draws them (mulberry32). */
function numbersOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const largest = 8;

/**
 * Callers who acquire, give up, hold, spoil and release; a server that is slow, fails and goes away with all its
 * sockets; an operator who pauses, resizes, recycles and reads statistics: all at once, each at random moments.
 */
class Stress {
  readonly #world: PoolUnderTest;
  readonly #random: () => number;
  readonly #outcomes = { served: 0, timedOut: 0, aborted: 0, refused: 0, failed: 0 };
  #serverIsUp = true;
  #over = false;

  constructor(seed: number) {
    const random = numbersOf(seed);
    this.#random = random;
    this.#world = makePool(
      {
        minConnections: 2,
        maxConnections: largest,
        maxConnecting: 3,
        maxWaiters: 12,
        idleTimeout: 5000,
        maxLifetime: 20_000,
        recycleAfterUses: 50,
        validateOnCheckout: true,
        validationInterval: 100,
        leakDetectionThreshold: 400,
        warmConnections: true,
      },
      {
        random,
        backoff: fullJitterBackoff({ initialBackoff: 50, maxBackoff: 1000, multiplier: 1.5 }, random),
        failureThreshold: 5,
        probeInterval: 300,
        idleProbeInterval: 2000,
      },
    );
    this.#world.resources.behave = (step) => this.#behave(step);
  }

  async run(duration: number): Promise<number> {
    const { pool, clock, resources } = this.#world;
    pool.start(0);
    const everybody = [
      ...Array.from({ length: 16 }, () => this.#often(60, () => this.#call())),
      this.#often(30, () => this.#answer()),
      this.#often(700, () => this.#operate()),
      this.#often(4000, () => this.#goAway()),
    ];
    for (let passed = 0; passed < duration; passed += 1000) {
      await clock.advance(1000);
      this.#check();
    }
    this.#over = true;
    this.#serverIsUp = true;
    resources.behave = () => 'ok';
    pool.resume();
    for (let waited = 0; waited < 10; waited++) {
      while (resources.finishAt(0, true));
      await clock.advance(1000);
    }
    await Promise.all(everybody);

    this.#check();
    const { started, opened, closed, total, served, leased, waiting } = pool.statistics();
    expect({ leased, waiting }).toEqual({ leased: 0, waiting: 0 });
    expect(opened).toBe(closed + total);
    const lease = await pool.acquire();
    lease.release();
    this.#outcomes.served++;
    await expectNothingIsLeft(this.#world);
    expect(started).toBeGreaterThan(duration / 100);
    expect(served).toBeGreaterThan(0);
    return started;
  }

  /** At every moment what the pool counts is what its callers saw. */
  #check(): void {
    const { pool, resources } = this.#world;
    expectBalance(pool);
    const { total, closing, served, timedOut, aborted, refused, failed } = pool.statistics();
    expect({ served, timedOut, aborted, refused, failed }).toEqual(this.#outcomes);
    expect(total).toBeLessThanOrEqual(largest);
    expect(closing).toBeLessThanOrEqual(largest + 1);
    for (const { closeCalls } of resources.all) expect(closeCalls).toBeLessThanOrEqual(1);
  }

  async #call(): Promise<void> {
    const { pool } = this.#world;
    const abort = new AbortController();
    const timeout = this.#oneOf(20, 200, 1000);
    const acquire = pool.acquire({ timeout, signal: abort.signal });
    if (this.#chance(0.2)) void this.#after(80).then(() => abort.abort());
    try {
      const lease = await acquire;
      this.#outcomes.served++;
      const { resource } = lease;
      expect({ closeCalls: resource.closeCalls, dirty: resource.dirty }).toEqual({ closeCalls: 0, dirty: false });
      await this.#after(this.#oneOf(0, 20, 80, 500));
      resource.dirty = this.#chance(0.2);
      if (this.#chance(0.05)) resource.die(new Error('gone in use'));
      if (this.#chance(0.05)) lease.markForRecycling();
      lease.release();
      if (this.#chance(0.05)) lease.release();
    } catch (error) {
      if (!(error instanceof PoolError)) throw error;
      this.#outcomes[outcomeOf(error)]++;
    }
  }

  #behave(step: Step): Behaviour {
    if (!this.#serverIsUp) return step === 'open' ? this.#oneOf('fail', 'fail', 'never') : 'never';
    if (step === 'open' && this.#chance(0.01)) return 'fatal';
    return this.#chance(0.85) ? 'ok' : this.#oneOf('slow', 'slow', 'slow', 'fail', 'never');
  }

  async #answer(): Promise<void> {
    const { slow } = this.#world.resources;
    this.#world.resources.finishAt(Math.trunc(this.#random() * slow.length), this.#chance(0.9));
  }

  async #operate(): Promise<void> {
    const { pool } = this.#world;
    const deed = this.#oneOf('pause', 'resize', 'recycle');
    if (deed === 'pause') {
      pool.pause();
      await this.#after(400);
      pool.resume();
    } else if (deed === 'resize') {
      pool.resize({ minConnections: this.#oneOf(0, 1), maxConnections: this.#oneOf(1, 3, largest) });
    } else {
      pool.recycleAll();
    }
  }

  /** The server restarts: every socket dies at once, and for a while nothing can be opened. */
  async #goAway(): Promise<void> {
    this.#serverIsUp = false;
    for (const resource of this.#world.resources.all) {
      if (!resource.dead && resource.closeCalls === 0) resource.die(new Error('the server is gone'));
    }
    await this.#after(1500);
    this.#serverIsUp = true;
  }

  async #often(pause: number, work: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#after(pause);
      if (this.#over) return;
      await work();
    }
  }

  /** Some time later: so many milliseconds on average. */
  #after(average: number): Promise<void> {
    return new Promise((resolve) => this.#world.clock.timer(Math.round(2 * average * this.#random()), true, resolve));
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #oneOf<T>(...choices: readonly [T, ...T[]]): T {
    return choices[Math.trunc(this.#random() * choices.length)] ?? choices[0];
  }
}

function outcomeOf(error: PoolError): 'timedOut' | 'aborted' | 'refused' | 'failed' {
  if (error instanceof AcquireTimeoutError) return 'timedOut';
  if (error instanceof AcquireAbortedError) return 'aborted';
  if (error instanceof AcquireFailedError) return 'failed';
  const refusals = [CircuitOpenError, QueueFullError, PoolShutdownError];
  if (refusals.some((kind) => error instanceof kind)) return 'refused';
  throw error;
}

/**
 * Lives so many milliseconds of a virtual clock; the same for the same seed.
 * @returns how many acquires there were
 */
export function liveUnderStress(seed: number, duration: number): Promise<number> {
  return new Stress(seed).run(duration);
}
