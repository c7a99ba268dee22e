import fc from 'fast-check';
import { expect } from 'vitest';
import type { Lease } from '../../src/pool/lease.js';
import type { ShutdownReport } from '../../src/pool/shutdown-report.js';
import type { Behaviour, FakeResource } from './fake-resources.js';
import {
  eventNames,
  expectNothingIsLeft,
  makePool,
  type PoolUnderTest,
  type Told,
  type Watched,
  watch,
} from './pool-under-test.js';
import { settled } from './virtual-clock.js';

/** Something anybody may do to a pool at any moment: from outside, or as a listener in the middle of an event. */
export type Deed =
  | { readonly do: 'acquire'; readonly timeout: number }
  | { readonly do: 'release' | 'abort' | 'dirty' | 'die'; readonly which: number }
  | { readonly do: 'pause' | 'resume' | 'recycleAll' }
  | { readonly do: 'resize'; readonly max: number }
  | { readonly do: 'shutdown'; readonly grace: number };

type Step =
  | Deed
  | { readonly do: 'advance'; readonly duration: number }
  | { readonly do: 'leap'; readonly duration: number }
  | { readonly do: 'finish'; readonly which: number; readonly succeed: boolean };

export interface MeddledLife {
  readonly behaviours: readonly Behaviour[];
  readonly validateOnCheckout: boolean;
  readonly steps: readonly Step[];
  /** What the listener does at its first event, its second, and so on; at most of them nothing. */
  readonly reactions: readonly (Deed | undefined)[];
}

const which = fc.nat(10);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('acquire' as const), timeout: fc.constantFrom(0, 50, 400) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'abort' as const, 'dirty' as const), which }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'recycleAll' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), max: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shutdown' as const), grace: fc.constantFrom(0, 100) }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: deed },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('advance' as const), duration: fc.constantFrom(0, 1, 50, 100, 400) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leap' as const), duration: fc.constantFrom(50, 400, 60_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('finish' as const), which, succeed: fc.boolean() }) },
);

export const meddledLives: fc.Arbitrary<MeddledLife> = fc.record({
  behaviours: fc.array(fc.constantFrom<Behaviour>('ok', 'ok', 'ok', 'slow', 'slow', 'fail', 'fatal', 'never'), {
    minLength: 1,
    maxLength: 6,
  }),
  validateOnCheckout: fc.boolean(),
  steps: fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
  reactions: fc.array(fc.option(deed, { nil: undefined, freq: 3 }), { maxLength: 60, size: 'max' }),
});

const ends: readonly string[] = ['acquired', 'acquireTimedOut', 'acquireAborted', 'acquireRefused', 'acquireFailed'];

class Meddled {
  readonly #world: PoolUnderTest;
  readonly #acquires: Watched<Lease<FakeResource>>[] = [];
  readonly #aborts: AbortController[] = [];
  readonly #shutdowns: Watched<ShutdownReport>[] = [];
  readonly #leases: Lease<FakeResource>[] = [];
  /** Connections that no acquire from now on may be given: they died, or all there were had to be replaced. */
  readonly #condemned = new Set<number>();
  readonly #lentThoughCondemned: number[] = [];
  readonly #ended = new Map<number, string[]>();
  #shutdownsTold = 0;

  constructor(readonly life: MeddledLife) {
    this.#world = makePool({
      maxConnections: 2,
      maxWaiters: 4,
      validateOnCheckout: life.validateOnCheckout,
      validationInterval: 50,
    });
    const { pool, resources } = this.#world;
    let steps = 0;
    resources.behave = () => life.behaviours[steps++ % life.behaviours.length] ?? 'ok';
    const reactions = life.reactions.values();
    for (const name of eventNames) {
      pool.events.subscribe(name, (event) => {
        this.#keepBooks({ name, event } as Told);
        const reaction = reactions.next().value;
        if (reaction !== undefined) this.#act(reaction);
      });
    }
  }

  async live(): Promise<void> {
    const { pool, clock, resources } = this.#world;
    for (const step of this.life.steps) {
      if (step.do === 'advance') await clock.advance(step.duration);
      else if (step.do === 'leap') await clock.leap(step.duration);
      else if (step.do === 'finish') resources.finishAt(Math.min(step.which, resources.slow.length - 1), step.succeed);
      else this.#act(step);
      await settled();
    }
    resources.behave = () => 'ok';
    this.#shutdowns.push(watch(pool.shutdown(0)));
    await expectNothingIsLeft(this.#world);
    this.#expectAllAnswered();
  }

  #keepBooks({ name, event }: Told): void {
    if (name === 'shutdownStarted') this.#shutdownsTold++;
    if (ends.includes(name) && 'acquire' in event) {
      this.#ended.set(event.acquire, [...(this.#ended.get(event.acquire) ?? []), name]);
    }
  }

  #expectAllAnswered(): void {
    expect(this.#acquires.filter(({ state }) => state === 'pending')).toEqual([]);
    expect(this.#ended.size, 'every acquire is told to have ended').toBe(this.#world.pool.statistics().started);
    for (const names of this.#ended.values()) expect(names, 'once').toHaveLength(1);
    expect(this.#shutdownsTold).toBe(1);
    for (const { value } of this.#shutdowns) expect(value).toBe(this.#shutdowns[0]?.value);
    expect(this.#shutdowns[0]?.state).toBe('fulfilled');
    expect(this.#lentThoughCondemned).toEqual([]);
  }

  #act(deed: Deed): void {
    const { pool, resources } = this.#world;
    switch (deed.do) {
      case 'acquire': {
        const abort = new AbortController();
        this.#aborts.push(abort);
        const acquire = pool.acquire({ timeout: deed.timeout, signal: abort.signal });
        this.#acquires.push(watch(acquire));
        const condemned = new Set(this.#condemned);
        acquire.then(
          (lease) => {
            this.#leases.push(lease);
            if (condemned.has(lease.id)) this.#lentThoughCondemned.push(lease.id);
          },
          () => {},
        );
        return;
      }
      case 'release':
        for (const lease of this.#leases.splice(deed.which % Math.max(1, this.#leases.length), 1)) lease.release();
        return;
      case 'abort':
        for (const abort of this.#aborts.splice(deed.which % Math.max(1, this.#aborts.length), 1)) abort.abort();
        return;
      case 'dirty': {
        const lease = this.#leases[deed.which];
        if (lease?.active === true) lease.resource.dirty = true;
        return;
      }
      case 'die': {
        const living = resources.all.filter(({ dead, closeCalls }) => !dead && closeCalls === 0);
        const victim = living[deed.which % Math.max(1, living.length)];
        if (victim === undefined) return;
        this.#condemned.add(victim.id);
        victim.die(new Error('gone'));
        return;
      }
      case 'recycleAll':
        for (const { id } of resources.begun) this.#condemned.add(id);
        pool.recycleAll();
        return;
      case 'resize':
        pool.resize({ maxConnections: deed.max });
        return;
      case 'shutdown':
        this.#shutdowns.push(watch(pool.shutdown(deed.grace)));
        return;
      default:
        pool[deed.do]();
    }
  }
}

/** Lives one life in which a listener meddles, and checks at its end that everybody got an answer and nothing is left. */
export async function liveMeddled(life: MeddledLife): Promise<void> {
  await new Meddled(life).live();
}
