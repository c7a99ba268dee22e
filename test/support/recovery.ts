import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionManager, PoolOptions } from '../../src/index.js';
import { time } from './fast-time.js';
import type { Front } from './front.js';
import { placeRefused, wrongCredentials } from './rpc-errors.js';
import type { Surroundings } from './surroundings.js';

/** One pool at its own node of the server: a scene of its own, so that its sockets can be counted. */
export class Scene {
  front: Front;
  readonly pool: ConnectionManager;
  readonly #own: Surroundings;
  /** Connections that the pool tried to open. */
  tried = 0;

  private constructor(own: Surroundings, front: Front, pool: ConnectionManager) {
    this.#own = own;
    this.front = front;
    this.pool = pool;
    pool.subscribe('opening', () => {
      this.tried++;
    });
  }

  static async open(own: Surroundings, options: Partial<PoolOptions> = {}): Promise<Scene> {
    const front = await own.listen({ auth: true });
    const credentials = { username: 'root', password: 'secret' };
    const pool = await own.connect(front, { minConnections: 2, maxConnections: 8, credentials, ...options });
    const scene = new Scene(own, front, pool);
    while (pool.poolStats().idle < 2) await sleep(5);
    return scene;
  }

  /** Stops listening; `listen()` begins again at the same address. */
  async stop(): Promise<void> {
    await this.front.close();
  }

  async listen(): Promise<void> {
    this.front = await this.#own.listen({ auth: true, port: this.front.port });
  }
}

/** What happens to a node; ends with the function that it gives. */
export interface Outage {
  readonly name: string;
  readonly begin: (scene: Scene) => (() => Promise<void> | void) | Promise<() => Promise<void> | void>;
}

const nothing = (): 'pass' => 'pass';

export const outages: readonly Outage[] = [
  {
    name: 'refused',
    begin: async (scene) => {
      await scene.stop();
      return () => scene.listen();
    },
  },
  {
    name: 'accepted and dropped',
    begin: (scene) => {
      const { front, pool } = scene;
      // A little after it was opened: nothing tells it from one that works.
      const end = pool.subscribe('opened', () => setTimeout(() => front.dropAll(), 15));
      front.dropAll();
      return end;
    },
  },
  {
    name: 'silent',
    begin: ({ front }) => {
      front.blackHole = true;
      const lost = front.sockets;
      for (const socket of lost) socket.halfOpen();
      return () => {
        front.blackHole = false;
        // A machine that comes back knows nothing of its old sockets.
        for (const socket of lost) socket.terminate();
      };
    },
  },
  {
    name: 'half-dead',
    begin: ({ front }) => {
      front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
      return () => {
        front.onRequest = nothing;
      };
    },
  },
  {
    name: '503',
    begin: ({ front }) => {
      front.refuse = true;
      front.dropAll();
      return () => {
        front.refuse = false;
      };
    },
  },
  {
    name: 'slow',
    begin: ({ front }) => {
      front.latency = 500;
      return () => {
        front.latency = 0;
      };
    },
  },
  {
    name: 'wrong database',
    begin: ({ front }) => {
      front.onRequest = ({ method }) => (method === 'use' || method === 'query' ? { error: placeRefused } : 'pass');
      front.dropAll();
      return () => {
        front.onRequest = nothing;
      };
    },
  },
  {
    name: 'auth revoked',
    begin: ({ front }) => {
      const refused = new Set(['signin', 'authenticate', 'query']);
      front.onRequest = ({ method }) => (refused.has(method) ? { error: wrongCredentials } : 'pass');
      front.dropAll();
      return () => {
        front.onRequest = nothing;
      };
    },
  },
];

/** What a pool did in an outage. */
export interface Recovery {
  /** Connections that it tried to open while the outage lasted. */
  readonly tried: number;
  /** Shares of the looks at its health. */
  readonly healthyDuring: number;
  readonly healthyAfter: number;
  /** What it said of itself when the outage was about to end, and at the very end. */
  readonly healthyAtEnd: boolean;
  readonly healthyAtLast: boolean;
  /**
   * From the end of the outage to the first call that succeeded, or, where nobody calls, to the first idle connection of a
   * healthy pool, in milliseconds. Undefined when the pool did not come back by itself.
   */
  readonly back: number | undefined;
}

/** How often a second health is looked at. */
const looks = 10;
/** The longest wait for a pool to come back: longer than any pause that it makes. */
const longest = 70_000;
const call = { timeout: 2_000, queryTimeout: 2_000 };

class Watched {
  readonly during = { looks: 0, healthy: 0 };
  readonly after = { looks: 0, healthy: 0 };
  /** `fault` while the outage lasts, then `recovering` until it is back. */
  phase: 'calm' | 'fault' | 'recovering' | 'back' | 'over' = 'calm';
  endedAt = 0;
  healthyAtEnd = false;
  healthyAtLast = false;
  back: number | undefined;
  tried = 0;
  readonly work: Promise<unknown>;

  constructor(
    readonly scene: Scene,
    readonly callers: number,
  ) {
    this.work = Promise.all([this.#look(), ...Array.from({ length: callers }, () => this.#call())]);
  }

  async #look(): Promise<void> {
    while (this.phase !== 'over') {
      const { healthy } = this.scene.pool.healthStatus();
      const count = this.phase === 'fault' ? this.during : this.phase === 'back' ? this.after : undefined;
      if (count !== undefined) {
        count.looks++;
        if (healthy) count.healthy++;
        if (this.phase === 'back') this.healthyAtLast = healthy;
      }
      if (this.callers === 0 && healthy && this.scene.pool.poolStats().idle > 0) this.#succeeded();
      await sleep(this.phase === 'recovering' ? 10 : 1_000 / looks);
    }
  }

  async #call(): Promise<void> {
    while (this.phase !== 'over') {
      // Told apart from a call that was answered before the end, and read after it.
      const { phase } = this;
      try {
        await using connection = await this.scene.pool.acquire(call);
        await connection.query('RETURN 1');
        if (phase === 'recovering') this.#succeeded();
      } catch {
        // What callers do: they come again.
      }
      await sleep(this.phase === 'fault' ? 500 + Math.random() * 1_000 : 50);
    }
  }

  #succeeded(): void {
    if (this.phase !== 'recovering') return;
    this.back = performance.now() - this.endedAt;
    this.phase = 'back';
  }
}

/**
 * One outage, of so many milliseconds, for pools with so many callers each; all at once.
 * @param rate how much faster the outage passes; the recovery from it is in real time, for its first seconds
 */
export async function recover(
  own: Surroundings,
  outage: Outage,
  duration: number,
  callers: readonly number[],
  rate: number,
): Promise<Recovery[]> {
  const [recoveries = []] = await recoverAll(own, [outage], duration, callers, rate);
  return recoveries;
}

/**
 * Several outages side by side, each for pools with so many callers.
 * @param comesBack whether a pool is waited for until it has recovered; others have as long as these take
 * @returns for each outage, what the pools did, in the order of `callers`
 */
export async function recoverAll(
  own: Surroundings,
  kinds: readonly Outage[],
  duration: number,
  callers: readonly number[],
  rate: number,
  comesBack: (outage: Outage, callers: number) => boolean = () => true,
): Promise<Recovery[][]> {
  const all = kinds.flatMap((outage) => callers.map((count) => ({ outage, count })));
  const pairs = await Promise.all(
    all.map(async ({ outage, count }) => ({
      outage,
      awaited: comesBack(outage, count),
      one: new Watched(await Scene.open(own), count),
    })),
  );
  const watched = pairs.map(({ one }) => one);
  try {
    await sleep(300);
    const ends = await Promise.all(pairs.map(({ outage, one }) => outage.begin(one.scene)));
    const before = watched.map(({ scene }) => scene.tried);
    for (const one of watched) one.phase = 'fault';
    time.rate = rate;
    await sleep(duration);
    time.rate = 1;
    watched.forEach((one, index) => {
      one.tried = one.scene.tried - (before[index] ?? 0);
      one.healthyAtEnd = one.scene.pool.healthStatus().healthy;
    });
    await Promise.all(ends.map((end) => end()));
    for (const one of watched) Object.assign(one, { phase: 'recovering', endedAt: performance.now() });
    const began = performance.now();
    const isAwaited = ({ awaited, one }: (typeof pairs)[number]) => awaited && one.phase === 'recovering';
    while (pairs.some(isAwaited) && performance.now() - began < longest) {
      if (performance.now() - began > 3_000) time.rate = 20;
      await sleep(5);
    }
    time.rate = 5;
    await sleep(5_000);
  } finally {
    time.rate = 1;
    for (const one of watched) one.phase = 'over';
    await Promise.all(
      watched.map(async ({ scene, work }) => {
        await scene.pool.shutdown({ gracePeriod: 0 });
        await work;
      }),
    );
  }
  const recoveries = watched.map(({ tried, during, after, back, healthyAtEnd, healthyAtLast }) => ({
    tried,
    back,
    healthyAtEnd,
    healthyAtLast,
    healthyDuring: during.healthy / during.looks,
    healthyAfter: after.looks === 0 ? 0 : after.healthy / after.looks,
  }));
  return kinds.map((_, index) => recoveries.slice(index * callers.length, (index + 1) * callers.length));
}
