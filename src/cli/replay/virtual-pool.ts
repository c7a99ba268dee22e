import { defaultPoolConfig } from '../../config/default-pool-config.js';
import type { PoolSettings, ResourceFactory } from '../../pool/contract.js';
import type { Identity } from '../../pool/identity-group.js';
import { Pool } from '../../pool/pool.js';
import type { Tenant } from '../../pool/tenant.js';
import type { Clock, Timer } from '../../time/clock.js';
import { Agenda, type Moments } from './moments.js';
import type { Lend } from './replay.js';

/** Time that passes from one moment to the next as fast as the process computes. */
export class VirtualTime implements Clock, Moments {
  readonly #agenda = new Agenda();
  #now = 0;

  now(): number {
    return this.#now;
  }

  at(moment: number, callback: () => void): void {
    this.#agenda.add(Math.max(moment, this.#now), callback);
  }

  timer(delay: number, _holdsProcess: boolean, callback: () => void): Timer {
    let isCancelled = false;
    this.at(this.#now + Math.max(0, delay), () => {
      if (!isCancelled) callback();
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }

  afterReading(callback: () => void): Timer {
    return this.timer(0, true, callback);
  }

  /** Lets time pass until the work is done, or `stop`. @throws what the work does */
  async passUntil(work: Promise<void>, stop: AbortSignal): Promise<void> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    for (let turns = 0; !stop.aborted; turns++) {
      await settled();
      // Signals and the terminal have their turn too.
      if (turns % 1_000 === 0) await new Promise((turn) => setImmediate(turn));
      if (isDone) return await done;
      const { next } = this.#agenda;
      if (next === undefined) throw new Error('the replay waits for something that never happens');
      this.#now = next;
      this.#agenda.take()?.();
    }
  }
}

/** The steps from a connection that is given back to the caller who waited for it are fewer. */
const mostSteps = 12;

async function settled(): Promise<void> {
  for (let step = 0; step < mostSteps; step++) await undefined;
}

/** A connection that is no more than its place in the pool. */
const placeholder: ResourceFactory<object, Identity> = {
  open: async () => ({}),
  change: async () => {},
  isClean: () => true,
  reset: async () => {},
  probe: async () => {},
  lendableUntil: () => Number.POSITIVE_INFINITY,
  idleFor: () => 0,
  seats: () => 1,
  isShareable: () => false,
  close: async () => {},
  isAnswer: () => false,
  isFatal: () => false,
  answeredAt: () => Number.NEGATIVE_INFINITY,
};

/** A pool of so many open connections, which never change: only who gets them when is looked at. */
function settingsFor(size: number): PoolSettings {
  return {
    ...defaultPoolConfig,
    minConnections: size,
    maxConnections: size,
    maxConnecting: size,
    idleTimeout: 0,
    maxLifetime: 0,
    recycleAfterUses: 0,
    validateOnCheckout: false,
    healthCheckInterval: 0,
    leakDetectionThreshold: 0,
    idleLeaseThreshold: 0,
    warmConnections: true,
  };
}

/** The pool itself, under virtual time and without a database: its own code decides who gets which connection. */
export class VirtualPool {
  readonly #pool: Pool<object>;
  readonly #tenants = new Map<number, Tenant>();

  constructor(size: number, time: VirtualTime) {
    this.#pool = new Pool<object>(settingsFor(size), {
      name: 'replay',
      factory: placeholder,
      home: { key: 'home' },
      clock: time,
      random: () => 0.5,
      breaker: { failureThreshold: 0, probeInterval: 1_000, idleProbeInterval: 1_000, backoff: () => 1_000 },
    });
  }

  /** Opens its connections. */
  async open(time: VirtualTime, stop: AbortSignal): Promise<void> {
    void this.#pool.start(0);
    await time.passUntil(this.#pool.warm(), stop);
  }

  /** Each agent has its own part of the pool, as with `createSession()`. */
  readonly lend: Lend = ({ agent }) => this.#pool.acquire(agent === undefined ? {} : { tenant: this.#tenantOf(agent) });

  async close(time: VirtualTime): Promise<void> {
    await time.passUntil(
      this.#pool.shutdown(0).then(() => {}),
      new AbortController().signal,
    );
  }

  #tenantOf(agent: number): Tenant {
    const known = this.#tenants.get(agent);
    if (known !== undefined) return known;
    const tenant = this.#pool.addTenant(`agent-${agent}`, {});
    this.#tenants.set(agent, tenant);
    return tenant;
  }
}
