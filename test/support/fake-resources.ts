import type { OpenContext, ResourceFactory } from '../../src/pool/contract.js';
import type { Identity } from '../../src/pool/identity-group.js';

/**
 * What a step of work on a fake resource does: end at once, end badly, end when told, or never. `leaving`: the server
 * is shutting down; `busy`: it asks for a pause.
 */
export type Behaviour = 'ok' | 'fail' | 'fatal' | 'slow' | 'never' | 'leaving' | 'busy';

export type Step = 'open' | 'change' | 'probe' | 'reset' | 'close' | 'ping';

/** A step of work that was asked for, as the resource saw it. */
export interface Begun {
  readonly step: Step;
  readonly id: number;
  /** Aborted when the pool gave the step up. */
  readonly signal: AbortSignal;
}

export class FatalError extends Error {}

/** A server says that it is shutting down. */
export class LeavingError extends Error {}

/** A server asks for a pause, in milliseconds. */
export class BusyError extends Error {
  constructor(readonly retryAfter: number) {
    super(`the server asks for a pause of ${retryAfter} ms`);
  }
}

/** Something to lend in tests of the pool core, which knows no database. */
export class FakeResource {
  dirty = false;
  dead = false;
  closeCalls = 0;
  closed = false;
  /** Its calls are answered always, unless a test says otherwise. */
  answeredAt: number = Number.POSITIVE_INFINITY;
  /** For how long its user has asked nothing of it; undefined while something is under way. */
  idleFor: number | undefined = 0;
  lendableUntil: number = Number.POSITIVE_INFINITY;
  /** What must end with its lease. */
  readonly dependents = new Set<(error: Error) => void>();

  constructor(
    readonly id: number,
    /** The endpoint it was opened at. */
    readonly url: string,
    public identity: string,
    readonly die: (error: unknown) => void,
  ) {}

  get isAtRest(): boolean {
    return !this.dirty && this.idleFor !== undefined && this.dependents.size === 0;
  }

  endDependents(error: Error): void {
    for (const end of [...this.dependents]) end(error);
  }
}

interface SlowStep {
  readonly step: Step;
  readonly finish: () => void;
  readonly fail: () => void;
}

/** Makes fake resources, each step behaving as `behave` says. */
export class FakeResources implements ResourceFactory<FakeResource, Identity> {
  readonly all: FakeResource[] = [];
  /** Steps that wait to be told, oldest first. */
  readonly slow: SlowStep[] = [];
  /** Every step that was asked for, in order. */
  readonly begun: Begun[] = [];
  opensStarted = 0;
  opensRunning = 0;
  mostOpensRunning = 0;
  seatsPerResource = 3;
  /** For how long a busy server asks for a pause, in milliseconds. */
  pauseAsked = 2000;

  /** How many steps are under way on each. */
  readonly busy = new Map<FakeResource, number>();

  /** @param behave gets the step and the address of the endpoint */
  constructor(public behave: (step: Step, url: string) => Behaviour = () => 'ok') {}

  async open(context: OpenContext<Identity>): Promise<FakeResource> {
    this.begun.push({ step: 'open', id: context.id, signal: context.signal });
    this.opensStarted++;
    this.opensRunning++;
    this.mostOpensRunning = Math.max(this.mostOpensRunning, this.opensRunning);
    try {
      await this.#run('open', context.endpoint.url);
    } finally {
      this.opensRunning--;
    }
    const resource: FakeResource = new FakeResource(context.id, context.endpoint.url, context.identity.key, (error) => {
      resource.dead = true;
      context.died(error);
    });
    this.all.push(resource);
    return resource;
  }

  async change(resource: FakeResource, identity: Identity, signal: AbortSignal): Promise<void> {
    this.begun.push({ step: 'change', id: resource.id, signal });
    await this.#on(resource, 'change');
    if (resource.dead) throw new Error('the resource is dead');
    resource.identity = identity.key;
  }

  answeredAt(resource: FakeResource): number {
    return resource.answeredAt;
  }

  seats(): number {
    return this.seatsPerResource;
  }

  isShareable(resource: FakeResource): boolean {
    return !resource.dirty && !resource.dead;
  }

  lendableUntil(resource: FakeResource): number {
    return resource.lendableUntil;
  }

  idleFor(resource: FakeResource): number | undefined {
    return resource.idleFor;
  }

  isClean(resource: FakeResource): boolean {
    return !resource.dirty;
  }

  async reset(resource: FakeResource, signal: AbortSignal): Promise<void> {
    this.begun.push({ step: 'reset', id: resource.id, signal });
    await this.#on(resource, 'reset');
    resource.dirty = false;
    resource.idleFor = 0;
  }

  async probe(resource: FakeResource, signal: AbortSignal): Promise<void> {
    this.begun.push({ step: 'probe', id: resource.id, signal });
    await this.#on(resource, 'probe');
    if (resource.dead) throw new Error('the resource is dead');
  }

  async close(resource: FakeResource, signal: AbortSignal): Promise<void> {
    this.begun.push({ step: 'close', id: resource.id, signal });
    resource.closeCalls++;
    await this.#run('close', resource.url);
    resource.closed = true;
  }

  async ping(resource: FakeResource): Promise<void> {
    await this.#run('ping', resource.url);
  }

  isAnswer(error: unknown): boolean {
    return error instanceof FatalError;
  }

  isFatal(error: unknown): boolean {
    return error instanceof FatalError;
  }

  isLeaving(error: unknown): boolean {
    return error instanceof LeavingError;
  }

  retryAfter(error: unknown): number | undefined {
    return error instanceof BusyError ? error.retryAfter : undefined;
  }

  /** How often this kind of step was asked for. */
  count(step: Step): number {
    return this.begun.filter((begun) => begun.step === step).length;
  }

  /** Ends one of the slow steps of this kind; false when there is none. */
  finish(step: Step, succeed = true): boolean {
    const index = this.slow.findIndex((slow) => slow.step === step);
    return this.finishAt(index, succeed);
  }

  finishAt(index: number, succeed: boolean): boolean {
    const [slow] = index < 0 ? [] : this.slow.splice(index, 1);
    if (slow === undefined) return false;
    if (succeed) slow.finish();
    else slow.fail();
    return true;
  }

  /** The same promise, so that a step takes no more turns of the microtask queue for being counted. */
  #on(resource: FakeResource, step: Step): Promise<void> {
    const ended = this.#run(step, resource.url);
    this.busy.set(resource, (this.busy.get(resource) ?? 0) + 1);
    const noteEnd = (): void => {
      this.busy.set(resource, (this.busy.get(resource) ?? 1) - 1);
    };
    ended.then(noteEnd, noteEnd);
    return ended;
  }

  #run(step: Step, url: string): Promise<void> {
    const behaviour = this.behave(step, url);
    if (behaviour === 'ok') return Promise.resolve();
    if (behaviour === 'fail') return Promise.reject(new Error(`${step} failed`));
    if (behaviour === 'fatal') return Promise.reject(new FatalError(`${step} failed for good`));
    if (behaviour === 'leaving') return Promise.reject(new LeavingError(`${step} failed: shutting down`));
    if (behaviour === 'busy') return Promise.reject(new BusyError(this.pauseAsked));
    if (behaviour === 'never') return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.slow.push({ step, finish: resolve, fail: () => reject(new Error(`${step} failed slowly`)) });
    });
  }
}
