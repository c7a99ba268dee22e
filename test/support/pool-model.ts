import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  AcquireAbortedError,
  AcquireFailedError,
  AcquireTimeoutError,
  CircuitOpenError,
  PoolShutdownError,
  QueueFullError,
  QueueOverloadError,
} from '../../src/errors/acquire.js';
import type { PoolSettings } from '../../src/pool/contract.js';
import type { Lease } from '../../src/pool/lease.js';
import { Pool } from '../../src/pool/pool.js';
import type { ShutdownReport } from '../../src/pool/shutdown-report.js';
import type { Tenant, TenantLimits } from '../../src/pool/tenant.js';
import { type Behaviour, type FakeResource, FakeResources } from './fake-resources.js';
import { EndpointBooks, type EndpointCommand, endpointCommands, type Places, places } from './pool-model-endpoints.js';
import { endingEndlessLoops } from './pool-under-test.js';
import { settled, VirtualClock } from './virtual-clock.js';

/** One thing that happens to the pool. Numbers are taken modulo what there is to choose from. */
export type Command =
  | {
      readonly do: 'acquire';
      /** Its tenant by number; left out for the plain callers. */
      readonly tenant?: number | undefined;
      readonly timeout: number;
      readonly abortable: boolean;
      readonly identity: string;
      /** For itself, for one call that shares a connection, or for one that may also go in a message with others. */
      readonly use: 'alone' | 'sharing' | 'joining';
    }
  | {
      readonly do: 'abort' | 'release' | 'releaseAgain' | 'dirty' | 'busy' | 'mark' | 'die' | 'finish' | 'fail';
      readonly which: number;
    }
  | { readonly do: 'recycleAll' | 'pause' | 'resume' }
  | { readonly do: 'resize'; readonly min: number; readonly max: number }
  | { readonly do: 'limit'; readonly which: number; readonly limits: TenantLimits }
  | { readonly do: 'advance' | 'leap'; readonly duration: number }
  | { readonly do: 'shutdown'; readonly grace: number }
  | EndpointCommand;

export interface Program {
  readonly settings: PoolSettings;
  /** What the steps of work do, one after the other, over and over. */
  readonly behaviours: readonly Behaviour[];
  readonly warmAttempts: number;
  /** How many failures open the circuit; 0 for never. */
  readonly failureThreshold: number;
  readonly commands: readonly Command[];
  /** Its endpoints, if there are several. */
  readonly places?: Places | undefined;
}

/** The tenants: the last two are below the third. */
const tenantCount = 5;
const tenantNumbers = [0, 1, 2, 3, 4] as const;

const which = fc.nat(40);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      timeout: fc.constantFrom(0, 10, 50, 1000, 5000),
      abortable: fc.boolean(),
      identity: fc.constantFrom('home', 'home', 'guest', 'visitor'),
      use: fc.constantFrom('alone' as const, 'sharing' as const, 'joining' as const),
      // Half of the callers are plain.
      tenant: fc.constantFrom(...Array<undefined>(tenantCount).fill(undefined), ...tenantNumbers),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('abort' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('releaseAgain' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dirty' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('mark' as const, 'busy' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('finish' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('recycleAll' as const, 'pause' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      which: fc.constantFrom(...tenantNumbers),
      limits: fc.record({
        weight: fc.constantFrom(0.001, 1, 1000),
        maxConnections: fc.constantFrom(0, 1, 3, Number.POSITIVE_INFINITY),
        reserve: fc.constantFrom(0, 1, 2),
        maxWaiting: fc.constantFrom(0, 2, Number.POSITIVE_INFINITY),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), min: fc.nat(4), max: fc.nat(5) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      duration: fc.constantFrom(0, 1, 9, 60, 400, 1100, 6000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('leap' as const), duration: fc.constantFrom(2000, 10_000, 3_600_000) }),
  },
);

const settings: fc.Arbitrary<PoolSettings> = fc
  .record({
    minConnections: fc.nat(4),
    maxConnections: fc.integer({ min: 1, max: 5 }),
    maxConnecting: fc.integer({ min: 1, max: 3 }),
    maxWaiters: fc.constantFrom(Number.POSITIVE_INFINITY, 0, 1, 5),
    loadShedding: fc.record({ target: fc.constantFrom(0, 0, 5), interval: fc.constantFrom(40, 2000) }),
    connectionTimeout: fc.constant(1000),
    openTimeout: fc.constantFrom(40, 800),
    probeTimeout: fc.constantFrom(30, 500),
    resetTimeout: fc.constantFrom(30, 500),
    closeTimeout: fc.constantFrom(30, 700),
    idleTimeout: fc.constantFrom(0, 900, 4000),
    maxLifetime: fc.constantFrom(0, 1500, 20_000),
    recycleAfterUses: fc.constantFrom(0, 1, 3),
    validateOnCheckout: fc.boolean(),
    leakDetectionThreshold: fc.constantFrom(0, 500),
    idleLeaseThreshold: fc.constantFrom(0, 400),
    healthCheckInterval: fc.constantFrom(0, 1200, 5000),
    unhealthyThreshold: fc.constantFrom(1, 3),
    validationInterval: fc.constantFrom(0, 50, 500),
    warmConnections: fc.boolean(),
    batching: fc.constantFrom('off' as const, 'waiting' as const, 'always' as const),
  })
  .map((chosen) => ({ ...chosen, minConnections: Math.min(chosen.minConnections, chosen.maxConnections) }));

const behaviours: fc.Arbitrary<Behaviour[]> = fc.oneof(
  fc.constant<Behaviour[]>(['ok']),
  fc.array(fc.constantFrom<Behaviour>('ok', 'ok', 'ok', 'ok', 'slow', 'slow', 'fail', 'fatal', 'never'), {
    minLength: 1,
    maxLength: 12,
  }),
);

/** A program of up to `length` commands; in a third of them the pool is shut down somewhere in the middle. */
export function programs(length: number): fc.Arbitrary<Program> {
  return fc
    .record({
      settings,
      behaviours,
      warmAttempts: fc.constantFrom(0, 1, 3),
      failureThreshold: fc.constantFrom(0, 0, 1, 3),
      commands: fc.array(command, { minLength: 1, maxLength: length, size: 'max' }),
      shutdownAt: fc.nat(length * 3),
      grace: fc.constantFrom(0, 20, 3000),
      // Drawn last, so that the seeds of programs with one endpoint stay what they were.
      places,
      endpointCommands,
    })
    .map(({ commands: plain, shutdownAt, grace, endpointCommands: ofEndpoints, ...rest }) => {
      const commands: Command[] = [...plain];
      if (rest.places !== undefined) for (const { at, command: one } of ofEndpoints) commands.splice(at, 0, one);
      const withShutdown: Command[] = [...commands];
      withShutdown.splice(shutdownAt, 0, { do: 'shutdown', grace });
      return { ...rest, commands: shutdownAt < length ? withShutdown : commands };
    });
}

interface Call {
  readonly acquire: number;
  readonly tenant: Tenant | undefined;
  readonly identity: string;
  readonly timeout: number;
  /** Its deadline, until a leap of the clock passes that; then the end of the grace that it may be given, once. */
  latest: number;
  leapt: boolean;
  readonly abort: AbortController | undefined;
  outcome: 'waiting' | 'served' | 'timedOut' | 'aborted' | 'refused' | 'failed';
}

interface Held {
  readonly tenant: Tenant | undefined;
  readonly lease: Lease<FakeResource>;
  readonly resource: FakeResource;
}

const backoff = (failures: number): number => 100 * failures;
/** The longest pause between attempts while callers wait. */
const probeInterval = 300;
/** The longest time for which an attempt that hangs holds up the next one while callers wait. */
const longestTurn = 1.25 * probeInterval;
/** An opening may be given up as slow by an operator, and not counted any more, from this age on. */
const youngOpening = 250;

/**
 * Runs a pool and keeps books of its own beside it: who was promised what, what was lent to whom, which resource lives.
 * After every command both must agree.
 */
class World {
  readonly clock = new VirtualClock();
  readonly factory: FakeResources;
  readonly pool: Pool<FakeResource>;
  readonly tenants: readonly Tenant[];
  /** The most leases of each tenant; above its cap only those that it had when the cap was lowered. */
  readonly tenantBounds: number[];
  readonly calls: Call[] = [];
  readonly held: Held[] = [];
  readonly ended: Lease<FakeResource>[] = [];
  readonly terminalEvents = new Map<number, string[]>();
  startedEvents = 0;
  openedEvents = 0;
  closedEvents = 0;
  /** The most connections there may be; above the maximum only while those leased when it shrank come home. */
  bound: number;
  max: number;
  largest = 0;
  /** When an attempt may be made again for those who wait, by what was told last. */
  openAfter = Number.NEGATIVE_INFINITY;
  /** When the pause is over that follows each opening after failures. */
  trialUntil = Number.NEGATIVE_INFINITY;
  circuit = 'closed';
  /** When the pause of the open circuit is over, as told. */
  openUntil = Number.NEGATIVE_INFINITY;
  /** When the last sign came that an attempt failed. */
  failedAt = Number.NEGATIVE_INFINITY;
  /** When each connection was opened. */
  readonly openedAt = new Map<number, number>();
  /** When each opening that goes on began. */
  readonly openings = new Map<number, number>();
  /** When the newest opening began, however it went. */
  newestOpening = Number.NEGATIVE_INFINITY;
  report: ShutdownReport | undefined;
  shutdowns = 0;
  /** With several endpoints. */
  readonly books: EndpointBooks | undefined;
  /** Where each opening that goes on is. */
  readonly openingAt = new Map<number, string>();
  #behaviour = 0;

  constructor(readonly program: Program) {
    this.books = program.places && new EndpointBooks(program.places);
    this.factory = new FakeResources((_step, url) => {
      if (this.books !== undefined) return this.books.behave(url);
      const { behaviours } = program;
      return behaviours[this.#behaviour++ % behaviours.length] ?? 'ok';
    });
    this.max = program.settings.maxConnections;
    this.bound = this.max;
    this.pool = new Pool(endingEndlessLoops(program.settings, this.clock), {
      name: 'test',
      factory: this.factory,
      home: { key: 'home' },
      clock: this.clock,
      random: () => 0.3,
      breaker: { failureThreshold: program.failureThreshold, probeInterval, idleProbeInterval: 3000, backoff },
      endpoints: this.books?.poolEndpoints,
    });
    const parent = this.pool.addTenant('parent', { maxConnections: 3, maxWaiting: 4 });
    this.tenants = [
      this.pool.addTenant('capped', { maxConnections: 1 }),
      this.pool.addTenant('reserved', { reserve: 1, weight: 0.5 }),
      parent,
      this.pool.addTenant('child', { maxConnections: 2 }, parent),
      this.pool.addTenant('other child', { weight: 3 }, parent),
    ];
    this.tenantBounds = this.tenants.map(({ cap }) => cap);
    this.#listen();
    this.pool.start(program.warmAttempts).catch(() => {});
  }

  #listen(): void {
    const { events } = this.pool;
    const terminal =
      (name: string) =>
      ({ acquire }: { acquire: number }): void => {
        this.terminalEvents.set(acquire, [...(this.terminalEvents.get(acquire) ?? []), name]);
      };
    events.subscribe('acquireStarted', () => {
      this.startedEvents++;
    });
    events.subscribe('acquired', terminal('served'));
    events.subscribe('acquireTimedOut', terminal('timedOut'));
    events.subscribe('acquireAborted', terminal('aborted'));
    events.subscribe('acquireRefused', terminal('refused'));
    events.subscribe('acquireFailed', terminal('failed'));
    events.subscribe('opening', ({ connection, endpoint }) => {
      this.openingAt.set(connection, endpoint);
      this.newestOpening = this.clock.now();
      this.openings.set(connection, this.newestOpening);
    });
    events.subscribe('opened', ({ connection }) => {
      this.openedEvents++;
      this.openings.delete(connection);
      this.openedAt.set(connection, this.clock.now());
    });
    events.subscribe('openFailed', ({ connection, retryIn }) => {
      assert.ok(this.openings.delete(connection), 'each opening ends once');
      if (retryIn !== undefined) this.#failed(retryIn);
    });
    events.subscribe('circuitChanged', ({ state, nextProbeIn }) => {
      this.circuit = state;
      if (state !== 'open') return;
      this.#failed(nextProbeIn);
      this.openUntil = this.openAfter;
    });
    // How long the pause is after these is not told, but no pause is longer while callers wait.
    for (const name of ['died', 'validationFailed', 'changeFailed', 'resetFailed'] as const) {
      events.subscribe(name, () => this.#failed(probeInterval));
    }
    events.subscribe('validated', ({ connection }) => this.#answered(connection));
    events.subscribe('closed', ({ duration, age }) => {
      this.closedEvents++;
      assert.ok(duration >= 0 && age >= 0, 'a duration is never negative');
    });
  }

  /** After a failure a slow attempt holds the next one up until then, and no longer. */
  get turnAfter(): number {
    return this.failedAt === Number.NEGATIVE_INFINITY ? this.failedAt : this.newestOpening + longestTurn;
  }

  #failed(pause: number): void {
    this.failedAt = this.clock.now();
    this.openAfter = this.failedAt + pause;
  }

  /** A connection that was opened since the last failure answers: a pause of at most 100 ms since then is left. */
  #answered(connection: number): void {
    const opened = this.openedAt.get(connection) ?? Number.NEGATIVE_INFINITY;
    if (opened < this.failedAt) return;
    // The answer of an older one does not shorten the pause that the newest opening began.
    this.trialUntil = Math.max(this.trialUntil, opened + 100);
    this.openAfter = this.trialUntil;
  }

  async run(command: Command): Promise<void> {
    switch (command.do) {
      case 'acquire':
        this.#acquire(command);
        break;
      case 'abort': {
        const abortable = this.calls.filter((call) => call.outcome === 'waiting' && call.abort !== undefined);
        pick(abortable, command.which)?.abort?.abort(new Error('enough'));
        break;
      }
      case 'release': {
        const held = pick(this.held, command.which);
        if (held !== undefined) this.#release(held);
        break;
      }
      case 'releaseAgain':
        pick(this.ended, command.which)?.release();
        break;
      case 'dirty': {
        const held = pick(this.held, command.which);
        if (held !== undefined) held.resource.dirty = true;
        break;
      }
      case 'busy': {
        const held = pick(this.held, command.which);
        if (held !== undefined) held.resource.idleFor = undefined;
        break;
      }
      case 'mark':
        pick(this.held, command.which)?.lease.markForRecycling();
        break;
      case 'die':
        pick(
          this.factory.all.filter((resource) => !resource.dead && resource.closeCalls === 0),
          command.which,
        )?.die(new Error('the socket was closed'));
        break;
      case 'finish':
      case 'fail':
        if (this.factory.slow.length > 0) {
          this.factory.finishAt(command.which % this.factory.slow.length, command.do === 'finish');
        }
        break;
      case 'recycleAll':
        this.pool.recycleAll();
        break;
      case 'pause':
        this.pool.pause();
        break;
      case 'resume':
        this.openAfter = Number.NEGATIVE_INFINITY;
        this.failedAt = Number.NEGATIVE_INFINITY;
        this.pool.resume();
        break;
      case 'resize': {
        const max = Math.max(1, command.max);
        this.max = max;
        this.pool.resize({ minConnections: Math.min(command.min, max), maxConnections: max });
        this.bound = Math.max(this.bound, max);
        break;
      }
      case 'limit': {
        const tenant = this.tenants[command.which] as Tenant;
        this.pool.changeTenant(tenant, command.limits);
        this.tenantBounds[command.which] = Math.max(tenant.inUse, command.limits.maxConnections);
        break;
      }
      case 'advance':
        await this.clock.advance(command.duration);
        break;
      case 'leap':
        this.#graceAfter(command.duration);
        await this.clock.leap(command.duration);
        break;
      case 'shutdown':
        this.#shutdown(command.grace);
        break;
      case 'endpoint':
        this.books?.run(command, this.pool, this.factory);
        break;
    }
    await settled();
  }

  /** A leap costs a waiter nothing but the quarter of its timeout, unless it costs the whole timeout once more. */
  #graceAfter(leap: number): void {
    const now = this.clock.now() + leap;
    for (const call of this.calls) {
      if (call.outcome !== 'waiting' || call.latest > now || call.leapt) continue;
      call.leapt = true;
      if (now < call.latest + call.timeout) call.latest = now + Math.min(leap, call.timeout / 4);
    }
  }

  #acquire({ timeout, abortable, identity, use, tenant: number }: Command & { do: 'acquire' }): void {
    const abort = abortable ? new AbortController() : undefined;
    const tenant = number === undefined ? undefined : this.tenants[number];
    const call: Call = {
      tenant,
      acquire: this.calls.length + 1,
      identity,
      timeout,
      latest: timeout === 0 ? Number.POSITIVE_INFINITY : this.clock.now() + timeout,
      leapt: false,
      abort,
      outcome: 'waiting',
    };
    this.calls.push(call);
    const answer = this.pool.acquire({
      tenant,
      timeout,
      signal: abort?.signal,
      shared: use === 'alone' ? undefined : { joins: use === 'joining' },
      // Nobody has to name the home.
      identity: identity === 'home' ? undefined : { key: identity },
    });
    answer.then(
      (lease) => {
        call.outcome = 'served';
        const { resource } = lease;
        const others = this.held.filter((held) => held.resource === resource).map(({ lease: { seat } }) => seat);
        assert.equal(lease.seat === undefined, use === 'alone', 'who shares was ready to');
        if (use === 'alone') assert.equal(others.length, 0, 'nothing is lent twice');
        assert.ok(!others.includes(undefined), 'nothing is shared that has a holder of its own');
        const seats = new Set([...others, lease.seat]);
        assert.ok(seats.size <= this.factory.seatsPerResource, 'no more seats are taken than there are');
        const isAlone = use === 'sharing' || this.program.settings.batching === 'off';
        if (isAlone) assert.ok(!others.includes(lease.seat), 'a seat is shared only by those who join');
        assert.ok(others.filter((seat) => seat === lease.seat).length < 16, 'a message is bounded');
        assert.equal(resource.closeCalls, 0, 'nothing is lent that is being closed');
        assert.ok(!resource.dead, 'nothing is lent that is known to be dead');
        assert.ok(!resource.dirty, 'nothing is lent that was not reset');
        assert.equal(resource.identity, identity, 'nobody gets what belongs to another identity');
        this.held.push({ lease, resource, tenant });
      },
      (error: unknown) => {
        call.outcome = outcomeOf(error);
        if (this.books === undefined) return;
        if (error instanceof CircuitOpenError) {
          assert.ok(
            error.endpoints.every(({ state }) => state === 'open'),
            'none is refused while one endpoint may be tried',
          );
        }
        const isServed = identity === 'home' && this.books.servesSomewhere(this.pool);
        assert.ok(call.outcome !== 'failed' || !isServed, 'no refusal is final while an endpoint works');
      },
    );
  }

  #release(held: Held): void {
    this.held.splice(this.held.indexOf(held), 1);
    this.ended.push(held.lease);
    held.lease.release();
    assert.throws(() => held.lease.resource, /released|aborted|was ended/, 'a lease is of no use after its end');
  }

  #shutdown(grace: number): void {
    this.shutdowns++;
    this.pool.shutdown(grace).then((report) => {
      this.report = report;
      for (const held of this.held.splice(0)) {
        assert.ok(!held.lease.active, 'no lease outlives the pool');
        assert.ok(
          held.lease.expired || report.aborted.some(({ connection }) => connection === held.resource.id),
          'who was aborted is named',
        );
        this.ended.push(held.lease);
      }
    });
  }

  check(): void {
    const statistics = this.pool.statistics();
    const { total, idle, leased, opening, validating, resetting, closing, waiting } = statistics;
    const { settings } = this.program;
    const now = this.clock.now();

    assert.equal(total, idle + leased + opening + validating + resetting, 'the parts are the whole');
    this.bound = Math.max(this.max, Math.min(this.bound, total));
    assert.ok(total <= this.bound, `never above the maximum: ${total} of ${this.bound}`);
    this.largest = Math.max(this.largest, this.max);
    assert.ok(total + closing <= 2 * this.largest, 'closing is capped');
    assert.equal(opening, this.openings.size, 'each opening is announced, and its end told');
    const young = new Map<string, number>();
    const openingsAt = new Map<string, number>();
    for (const [connection, began] of this.openings) {
      const place = this.openingAt.get(connection) ?? '';
      openingsAt.set(place, (openingsAt.get(place) ?? 0) + 1);
      if (now - began < youngOpening) young.set(place, (young.get(place) ?? 0) + 1);
    }
    for (const count of young.values()) {
      assert.ok(count <= settings.maxConnecting, 'no more are opened at once than allowed, but for slow ones');
    }

    const counts = { waiting: 0, served: 0, timedOut: 0, aborted: 0, refused: 0, failed: 0 };
    for (const call of this.calls) counts[call.outcome]++;
    assert.equal(statistics.started, this.calls.length, 'every acquire is counted');
    assert.equal(this.startedEvents, this.calls.length, 'every acquire is announced');
    for (const outcome of ['waiting', 'served', 'timedOut', 'aborted', 'refused', 'failed'] as const) {
      assert.equal(statistics[outcome], counts[outcome], `as many ${outcome} as callers were told so`);
    }
    for (const call of this.calls) {
      const events = this.terminalEvents.get(call.acquire) ?? [];
      assert.deepEqual(events, call.outcome === 'waiting' ? [] : [call.outcome], 'one terminal event per acquire');
      assert.ok(
        call.outcome !== 'waiting' || call.latest >= now,
        'nobody waits past the deadline, or the grace of a leap',
      );
    }
    const lent = new Set(this.held.filter(({ lease }) => lease.active).map(({ resource }) => resource));
    if (this.report === undefined) assert.equal(leased, lent.size);
    this.#checkTenants();
    assert.equal(statistics.opened, this.openedEvents);
    assert.equal(statistics.closed, this.closedEvents);
    assert.equal(
      statistics.opened - statistics.closed,
      idle + leased + validating + resetting + this.closingOpened(),
      'opened = closed + live',
    );

    if (statistics.state === 'running' && waiting > 0) {
      // Another identity than the pool's own is made ready one at a time, and after silence only after a pause.
      // A waiter of another identity that is passed over takes a place of its family meanwhile, as if it were served.
      const isApart = ({ tenant }: Call): boolean => tenant === undefined || tenant.parent === undefined;
      const others = this.calls.some(
        (call) => call.outcome === 'waiting' && call.identity !== 'home' && !isApart(call),
      );
      const own = this.#eligible().filter((call) => call.identity === 'home' && (!others || isApart(call))).length;
      assert.ok(idle === 0 || validating + resetting >= own, 'no own caller waits while something is idle');
      if (this.books !== undefined) {
        this.#checkEndpoints(openingsAt);
        return;
      }
      // Only those that are not slow count: four times as slow as usual, which is not known before the first.
      const usual = statistics.opened === 0 ? 250 : statistics.openTime.p50;
      const slow = Math.max(youngOpening, 4 * usual);
      const counted = [...this.openings.values()].filter((began) => now - began < slow).length;
      const mayOpen =
        total < this.max &&
        counted < settings.maxConnecting &&
        closing + opening <= this.max &&
        now >= this.openAfter &&
        now >= this.turnAfter;
      const live = idle + leased + validating + resetting;
      assert.ok(this.circuit !== 'open' || live > 0 || now >= this.openUntil, 'nobody waits for an open circuit');
      const hung = this.circuit === 'half-open' && mayOpen && now > this.turnAfter;
      assert.ok(!hung || own === 0, 'an attempt that hangs holds up no other');
      assert.ok(
        !mayOpen || own <= opening + validating + resetting,
        'no own caller waits while one more may be opened',
      );
    }
    if (this.shutdowns > 0) assert.equal(waiting, 0, 'nobody waits for a pool that shuts down');
    else this.#checkEndpoints(openingsAt);
  }

  #checkEndpoints(openingsAt: ReadonlyMap<string, number>): void {
    // Others than the pool's own may be silent, and a waiter behind others waits for them.
    const [first] = this.#eligible();
    const waiting = first?.identity === 'home' ? [first] : [];
    const leases = this.held.map(({ lease }) => lease);
    this.books?.check(this.clock, this.pool, this.factory, leases, openingsAt, waiting);
  }

  /** Waiters who may be served: of a tenant at its cap none, and of others no more than up to it. */
  #eligible(): Call[] {
    const room = new Map(this.tenants.map((tenant) => [tenant, Math.max(0, tenant.cap - tenant.inUse)]));
    return this.calls.filter(({ outcome, tenant }) => {
      if (outcome !== 'waiting') return false;
      for (let each = tenant; each !== undefined; each = each.parent) if (room.get(each) === 0) return false;
      for (let each = tenant; each !== undefined; each = each.parent) room.set(each, (room.get(each) ?? 0) - 1);
      return true;
    });
  }

  #checkTenants(): void {
    const isOf = (tenant: Tenant, whose: Tenant | undefined): boolean =>
      whose !== undefined && (whose === tenant || isOf(tenant, whose.parent));
    this.tenants.forEach((tenant, index) => {
      const waiting = this.calls.filter((call) => call.outcome === 'waiting' && isOf(tenant, call.tenant)).length;
      assert.equal(tenant.waiting, waiting, `the waiters of ${tenant.name} are counted`);
      const inUse = this.held.filter((held) => held.lease.active && isOf(tenant, held.tenant)).length;
      if (this.shutdowns === 0) assert.equal(tenant.inUse, inUse, `the leases of ${tenant.name} are counted`);
      const bound = Math.max(tenant.cap, Math.min(this.tenantBounds[index] ?? 0, tenant.inUse));
      this.tenantBounds[index] = bound;
      assert.ok(tenant.inUse <= bound, `${tenant.name} has no more leases than its cap`);
      assert.equal(tenant.passed, undefined, 'no walk goes on');
    });
  }

  /** Resources that were handed to the pool as open and are on their way out. */
  closingOpened(): number {
    return this.openedEvents - this.closedEvents - this.pool.statistics().total + this.pool.statistics().opening;
  }

  async end(): Promise<void> {
    this.#shutdown(0);
    await settled();
    await this.clock.advance(10_000);
    const statistics = this.pool.statistics();
    assert.notEqual(this.report, undefined, 'a shutdown ends');
    assert.equal(statistics.state, 'closed');
    assert.equal(statistics.total + statistics.closing, 0, 'no slot is left');
    assert.equal(this.clock.pending, 0, 'no timer is left');
    this.books?.end();
    assert.ok(
      this.calls.every((call) => call.outcome !== 'waiting'),
      'no promise is left pending',
    );
    for (const resource of this.factory.all) assert.equal(resource.closeCalls, 1, 'everything opened is closed, once');
    this.check();
  }
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from.length === 0 ? undefined : from[index % from.length];
}

function outcomeOf(error: unknown): Call['outcome'] {
  if (error instanceof AcquireTimeoutError) return 'timedOut';
  if (error instanceof AcquireAbortedError) return 'aborted';
  if (error instanceof CircuitOpenError || error instanceof QueueOverloadError) return 'refused';
  if (error instanceof QueueFullError || error instanceof PoolShutdownError) return 'refused';
  if (error instanceof AcquireFailedError) return 'failed';
  throw error;
}

/** Runs a program and checks everything after every command; rejects at the first thing that is wrong. */
export async function runProgram(program: Program, steps: string[] = []): Promise<void> {
  const world = new World(program);
  await settled();
  world.check();
  for (const command of program.commands) {
    steps.push(JSON.stringify(command));
    await world.run(command);
    world.check();
  }
  await world.end();
}
