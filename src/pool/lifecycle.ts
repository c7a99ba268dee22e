import type { Endpoint } from '../endpoints/endpoint.js';
import { DeadlineError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import { stayFor } from './affinity.js';
import type { CloseReason } from './close-reason.js';
import type { Identity, IdentityGroup } from './identity-group.js';
import type { PoolParts } from './parts.js';
import { PooledResource } from './resource.js';
import { slowAtLeast } from './slowness.js';
import { type Outcome, runStep } from './step.js';
import type { WarmUp } from './warm-up.js';

/** Lifetimes vary by this share in either direction, so that connections opened together are not closed together. */
const lifetimeJitter = 0.1;
/** After a failed switch to another identity, connections are opened for it instead for this long, in milliseconds. */
const changePause = 1000;

/** What the life cycle needs from its pool. */
export interface LifecycleOwner<R, I extends Identity> {
  /** Lends a connection to the first waiter for its identity, or keeps it as idle. */
  offer(member: PooledResource<R, I>, now: number, reused: boolean): void;
  keepIdle(member: PooledResource<R, I>, now: number): void;
  /** This identity cannot be had: rejects its waiters. */
  failWaiters(group: IdentityGroup<I>, cause: unknown): void;
  /** Something has changed: match waiters and connections again. */
  dispatch(): void;
}

/** The parts of a pool that the life of a connection needs. */
export interface LifecycleParts<R, I extends Identity> extends PoolParts<R, I> {
  readonly random: () => number;
  readonly warmUp: WarmUp;
}

/**
 * The steps in the life of a connection: open, probe, change, reset, close. Each is asynchronous and has a deadline;
 * when one ends, the state is read again before anything is done.
 */
export class Lifecycle<R, I extends Identity> {
  readonly #parts: LifecycleParts<R, I>;
  readonly #owner: LifecycleOwner<R, I>;
  #lastId = 0;
  /** The last probe failed: probes under way are not counted on. */
  #probesFail = false;

  constructor(parts: LifecycleParts<R, I>, owner: LifecycleOwner<R, I>) {
    this.#parts = parts;
    this.#owner = owner;
  }

  get probesFail(): boolean {
    return this.#probesFail;
  }

  /** Starts a new generation: connections open or being opened now are not lent again. */
  newGeneration(): void {
    this.#parts.fitness.newGeneration();
    // Giving them up starts new openings; those are kept.
    for (const member of this.#parts.inventory.opening) {
      member.abandon?.(new Abandoned('it was begun before recycleAll()'));
    }
  }

  /** Gives up older attempts that still hang, now that this one answered. That frees their places. */
  #abandonOlder(proven: PooledResource<R, I>): void {
    for (const member of this.#parts.inventory) {
      const isAttempt = member.state === 'opening' || (member.state === 'validating' && member.unproven);
      if (!isAttempt || member.endpoint !== proven.endpoint || member.begun > proven.begun - slowAtLeast) continue;
      member.abandon?.(new Abandoned('a newer one was answered'));
    }
  }

  /** Gives up openings older than the limit, in milliseconds, so that new ones start at once. */
  abandonSlow(now: number, limit: number, why: string): void {
    for (const member of this.#parts.inventory.opening) {
      if (now - member.since < limit) continue;
      member.abandon?.(new Abandoned(why));
    }
  }

  open(group: IdentityGroup<I>, endpoint: Endpoint): void {
    const { clock, factory, fitness, health, inventory, journal, settings } = this.#parts;
    const member = new PooledResource<R, I>(++this.#lastId, endpoint, group, fitness.generation, clock.now());
    inventory.add(member);
    health.report(endpoint, { sign: 'attempted', began: member.since });
    journal.opening(member.id, endpoint.shown);
    const step = {
      name: 'opening a connection',
      timeout: settings.openTimeout,
      start: (signal: AbortSignal) =>
        factory.open({
          id: member.id,
          identity: group.identity,
          endpoint: endpoint.target,
          signal,
          died: (error) => this.#onDeath(member, error),
        }),
    };
    runStep(clock, member, step, (outcome) => {
      if (outcome.ok) this.#onOpened(member, outcome.value);
      else this.#onOpenFailed(member, outcome.error, outcome.unfinished);
      this.#owner.dispatch();
    });
  }

  #onOpened(member: PooledResource<R, I>, resource: R): void {
    const { checks, clock, health, inventory, journal, lifetimes, settings, sizing, random } = this.#parts;
    const now = clock.now();
    const duration = now - member.since;
    const { endpoint, group } = member;
    const { maxLifetime } = settings;
    member.resource = resource;
    member.since = now;
    member.provenAt = now;
    if (maxLifetime > 0) member.expiresAt = now + maxLifetime * (1 + lifetimeJitter * (2 * random() - 1));
    lifetimes.add(member);
    checks.watch(member);
    inventory.heard(group);
    if (group === inventory.ownGroup) sizing.askedAgain();
    journal.wasOpened(member.id, endpoint.shown, duration);
    // The connection may have been retired before its step ended: then it is already being closed.
    if (member.state !== 'opening') return;
    // A successful opening proves little: while the server is suspect, a probe must be answered first.
    health.report(endpoint, { sign: 'opened', began: now });
    const unfit = this.#parts.fitness.whyUnfit(member, now);
    if (!health.isSuspect(endpoint)) {
      this.#offerOrRetire(member, now, false);
    } else if (unfit === undefined || unfit === 'endpoint-out') {
      this.probe(member);
    } else {
      health.report(endpoint, { sign: 'abandoned', began: now });
      this.retire(member, unfit);
    }
  }

  #onOpenFailed(member: PooledResource<R, I>, reason: unknown, unfinished: Promise<R> | undefined): void {
    const { clock, factory, health, inventory, journal, sizing, warmUp } = this.#parts;
    const now = clock.now();
    const { endpoint, group, since: began } = member;
    const isOwn = group === inventory.ownGroup;
    const abandoned = reason instanceof Abandoned || this.#parts.state.isEnding;
    const error = unfinished === undefined || abandoned ? reason : factory.givenUp(reason, endpoint.target);
    this.#endWithoutResource(member, unfinished);
    const fatal = !abandoned && factory.isFatal(error) && health.isRefusedEverywhere(member, error);
    if (abandoned) health.report(endpoint, { sign: 'abandoned', began });
    else if (!fatal) health.openFailed(member, error, now);
    // The server did answer, so the next attempt needs no backoff.
    else if (factory.isAnswer(error)) health.report(endpoint, { sign: 'answered', began: now, at: now, byCall: true });
    else health.report(endpoint, { sign: 'abandoned', began });
    if (fatal && isOwn) sizing.stop();
    const retryIn = fatal || abandoned ? undefined : endpoint.wait(now, true);
    journal.openFailed({
      ...{ connection: member.id, endpoint: endpoint.shown, duration: now - began, ownIdentity: isOwn },
      ...{ error, retryIn },
    });
    if (isOwn && !abandoned) warmUp.failed(error, fatal);
    if (fatal) this.#owner.failWaiters(group, error);
  }

  /** @param unfinished Set when an opening was given up but still runs: a connection it still yields is closed. */
  #endWithoutResource(member: PooledResource<R, I>, unfinished: Promise<R> | undefined): void {
    const { clock, factory, inventory, settings } = this.#parts;
    if (unfinished === undefined) {
      inventory.move(member, 'closed');
      return;
    }
    inventory.move(member, 'closing');
    const closeLateArrival = async (signal: AbortSignal): Promise<void> => {
      const arrival = await unfinished.then(
        (resource) => ({ resource }),
        () => undefined,
      );
      if (arrival !== undefined) await factory.close(arrival.resource, signal);
    };
    const step = { name: 'closing a late connection', timeout: settings.closeTimeout, start: closeLateArrival };
    runStep(clock, member, step, () => {
      inventory.move(member, 'closed');
      this.#owner.dispatch();
    });
  }

  /**
   * Probes a connection: before it is lent, because it was long unused, or because it is new and the server is suspect.
   */
  probe(member: PooledResource<R, I>): void {
    const { checks, factory, health, inventory, journal, settings } = this.#parts;
    const isNew = member.state === 'opening';
    const { endpoint, group } = member;
    member.unproven = isNew;
    inventory.move(member, 'validating');
    this.#step(member, 'probing a connection', settings.probeTimeout, factory.probe, (outcome, now, duration) => {
      if (outcome.ok) {
        health.report(endpoint, { sign: 'answered', began: member.since, at: now });
        if (isNew) this.#abandonOlder(member);
        this.#proved(member, now);
        checks.watch(member);
        if (isNew || this.#parts.fitness.whyUnfit(member, now) !== undefined || member.group.waiting > 0) {
          this.#offerOrRetire(member, now, !isNew);
        } else {
          // A probe does not count as a use, so the idle time goes on.
          inventory.putBack(member);
        }
        journal.validated(member.id, duration);
        return;
      }
      const { error } = outcome;
      const fatal = factory.isFatal(error);
      this.#probesFail = !fatal;
      // Given up before its deadline: the connection was lost, which was already reported.
      const wasLost = outcome.unfinished !== undefined && !(error instanceof DeadlineError);
      if (!wasLost) health.probeFailed(member, error, isNew, now);
      this.retire(member, fatal ? 'signed-out' : 'probe-failed');
      // The identity cannot be had any more: the server would refuse another connection too.
      if (fatal && health.isFinal(member)) this.#owner.failWaiters(group, error);
      journal.validationFailed({ connection: member.id, endpoint: member.endpoint.shown, duration, error });
    });
  }

  /** Switches an idle connection to another identity. */
  change(member: PooledResource<R, I>, group: IdentityGroup<I>): void {
    const { factory, health, inventory, journal, settings } = this.#parts;
    const { identity: former } = member.group;
    inventory.move(member, 'changing');
    inventory.regroup(member, group);
    const start = (resource: R, signal: AbortSignal): Promise<void> => factory.change(resource, group.identity, signal);
    this.#step(
      member,
      'changing the identity of a connection',
      settings.resetTimeout,
      start,
      (outcome, now, duration) => {
        if (outcome.ok) {
          inventory.heard(group);
          member.staysUntil = now + stayFor(duration);
          this.#answered(member, now);
          this.#offerOrRetire(member, now, true);
          journal.changed(member.id, duration);
          return;
        }
        const { error } = outcome;
        if (factory.isFatal(error) && health.isFinal(member)) {
          // The connection is unchanged and still good.
          if (factory.isAnswer(error)) this.#answered(member, now);
          this.#owner.failWaiters(group, error);
          inventory.regroup(member, inventory.groupOf(former) ?? inventory.addGroup(former));
          this.#keepIdleOrRetire(member, now);
        } else {
          this.#probesFail = true;
          if (group !== inventory.ownGroup) group.noChangeBefore = now + changePause;
          if (error instanceof DeadlineError) health.silent(member, error, now);
          else if (factory.isAnswer(error))
            health.report(member.endpoint, { sign: 'answered', began: member.since, at: now });
          // The server answered, and would answer the same on every other connection.
          if (factory.isAnswer(error) && health.isFinal(member)) this.#owner.failWaiters(group, error);
          this.retire(member, 'reset-failed');
        }
        const { shown: endpoint } = member.endpoint;
        const ownIdentity = group === inventory.ownGroup;
        journal.changeFailed({ connection: member.id, endpoint, duration, ownIdentity, error });
      },
    );
  }

  /** Undoes what a lease has done. */
  reset(member: PooledResource<R, I>): void {
    const { factory, health, inventory, journal, settings } = this.#parts;
    inventory.move(member, 'resetting');
    this.#step(member, 'resetting a connection', settings.resetTimeout, factory.reset, (outcome, now, duration) => {
      if (outcome.ok) {
        this.#answered(member, now);
        this.#keepIdleOrRetire(member, now);
        journal.reset(member.id, duration);
        return;
      }
      const { error } = outcome;
      if (error instanceof DeadlineError) health.silent(member, error, now);
      this.retire(member, 'reset-failed');
      journal.resetFailed({ connection: member.id, endpoint: member.endpoint.shown, duration, error });
    });
  }

  /** Closes a connection. Its place is free at once; closing goes on in the background under its own deadline. */
  retire(member: PooledResource<R, I>, reason: CloseReason): void {
    const { checks, clock, factory, inventory, journal, lifetimes, settings, sizing } = this.#parts;
    const now = clock.now();
    const { abandon } = member;
    if (member.isReplaced) sizing.replace(inventory.total, now);
    inventory.move(member, 'closing');
    abandon?.(new Error(`the connection is being closed: ${reason}`));
    lifetimes.remove(member);
    checks.forget(member);
    const life = {
      connection: member.id,
      endpoint: member.endpoint.shown,
      reason,
      age: now - member.since,
      uses: member.uses,
    };
    journal.closing(life);
    const step = {
      name: 'closing a connection',
      timeout: settings.closeTimeout,
      start: (signal: AbortSignal) => factory.close(member.resource as R, signal),
    };
    runStep(clock, member, step, (outcome) => {
      inventory.move(member, 'closed');
      journal.wasClosed(life, clock.now() - now, outcome.ok ? {} : { error: outcome.error });
      this.#owner.dispatch();
    });
  }

  /**
   * Runs a step on a connection between two states. The outcome counts only if the connection still waits for it: it
   * may have been retired meanwhile.
   */
  #step(
    member: PooledResource<R, I>,
    name: string,
    timeout: number,
    start: (resource: R, signal: AbortSignal) => Promise<void>,
    done: (outcome: Outcome<void>, now: number, duration: number) => void,
  ): void {
    const { clock, factory } = this.#parts;
    const { state } = member;
    const began = clock.now();
    member.stepBegan = began;
    const step = { name, timeout, start: (signal: AbortSignal) => start.call(factory, member.resource as R, signal) };
    runStep(clock, member, step, (outcome) => {
      if (member.state !== state) return;
      const now = clock.now();
      done(outcome, now, now - began);
      this.#owner.dispatch();
    });
  }

  #proved(member: PooledResource<R, I>, now: number): void {
    member.provenAt = now;
    this.#probesFail = false;
  }

  /** A step was answered. */
  #answered(member: PooledResource<R, I>, now: number): void {
    this.#proved(member, now);
    const { health } = this.#parts;
    if (health.troubled) health.report(member.endpoint, { sign: 'answered', began: member.since, at: now });
  }

  #offerOrRetire(member: PooledResource<R, I>, now: number, reused: boolean): void {
    const unfit = this.#parts.fitness.whyUnfit(member, now);
    if (unfit === undefined) this.#owner.offer(member, now, reused);
    else this.retire(member, unfit);
  }

  #keepIdleOrRetire(member: PooledResource<R, I>, now: number): void {
    const unfit = this.#parts.fitness.whyUnfit(member, now);
    if (unfit === undefined) this.#owner.keepIdle(member, now);
    else this.retire(member, unfit);
  }

  #onDeath(member: PooledResource<R, I>, error: unknown): void {
    const { clock, factory, health, journal } = this.#parts;
    const { state } = member;
    if (state === 'closing' || state === 'closed') return;
    if (state !== 'opening') {
      journal.died(member.id, member.endpoint.shown, error);
      if (factory.isIllness(error)) health.lost(member, error, clock.now());
      else health.report(member.endpoint, { sign: 'abandoned', began: member.since });
    }
    // A step under way fails with it. A lease lasts until its holder releases it; until then its calls fail.
    if (member.abandon !== undefined) member.abandon(error instanceof Error ? error : new Error(messageOf(error)));
    else if (state === 'leased') member.retirement ??= 'died';
    else this.retire(member, 'died');
    this.#owner.dispatch();
  }
}

/** The pool gave up an opening that might still have succeeded. */
class Abandoned extends Error {
  constructor(reason: string) {
    super(`the opening was given up: ${reason}`);
  }
}
