import type { EndpointSource, Target } from '../config/endpoint-options.js';
import { nameOfSource } from '../config/endpoint-schema.js';
import { resolveEndpoints } from '../config/resolve.js';
import { DeadlineError } from '../errors/connect.js';
import { NoEndpointError } from '../errors/endpoint.js';
import { messageOf } from '../errors/error-message.js';
import { type Clock, systemClock, type Timer } from '../time/clock.js';
import { inOwnContext } from '../time/own-context.js';
import { patientTimer } from '../time/patient-timer.js';
import { untilAborted } from '../time/until-aborted.js';
import { type Names, systemNames, targetsAt, targetsOf } from './dns.js';

/** When to look for servers. Durations in milliseconds. */
export interface DiscoverySettings {
  /** From one look to the next while nothing is lost; 0: none. */
  readonly refresh: number;
  /** From the beginning of one look to that of the next, at the least. */
  readonly minInterval: number;
  /** How long a look may take. */
  readonly timeout: number;
}

/** Who is told what a look found. */
export interface DiscoveryListeners {
  /** Other servers than before, or with other properties; never none. */
  changed(targets: readonly Target[]): void;
  /** A look failed, was late or found none: the servers known before stay, and it looks again. */
  stale(error: unknown): void;
}

/** What a test brings instead of the real ones. */
export interface DiscoverySurroundings {
  readonly clock?: Clock;
  /** From 0 (inclusive) to 1. */
  readonly random?: () => number;
  readonly names?: Names;
}

/** By how much of it an interval is drawn longer or shorter, so that many processes do not ask in step. */
const jitter = 0.2;

/** The pause after the first of the looks that never found a server; it doubles, up to `minInterval`. */
const firstPause = 1_000;

/**
 * How many looks may go on although they were told to end. One that hangs for ever must not end all discovery; one each minute
 * that hangs would pile up, and use up the threads in which the system looks up names, of which there are four.
 */
const mostUnended = 2;

/**
 * Keeps the list of servers up to date: looks for them at the start, after a loss, and from time to time.
 *
 * When to look again is gRPC's rule: at once after a loss, but not within `minInterval` of the last look, so that
 * an outage does not become a storm of DNS queries. Only a look that succeeds changes the list.
 */
export class Discovery {
  readonly #source: EndpointSource;
  readonly #settings: DiscoverySettings;
  readonly #listeners: DiscoveryListeners;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #names: Names;
  #targets: readonly Target[] | undefined;
  /** When the last look began. */
  #began = Number.NEGATIVE_INFINITY;
  /** The look under way. */
  #look: AbortController | undefined;
  #unended = 0;
  /** Whether a connection was lost since the last look began. */
  #lost = false;
  #failures = 0;
  #next: { readonly at: number; readonly timer: Timer } | undefined;
  #stopped = false;

  constructor(
    source: EndpointSource,
    settings: DiscoverySettings,
    listeners: DiscoveryListeners,
    { clock = systemClock, random = Math.random, names = systemNames() }: DiscoverySurroundings = {},
  ) {
    this.#source = source;
    this.#settings = settings;
    this.#listeners = listeners;
    this.#clock = clock;
    this.#random = random;
    this.#names = names;
  }

  /**
   * The servers to begin with; of a list at once. Called once. When it rejects, the discovery goes on looking, and tells what it finds by
   * `changed`, until it is stopped.
   *
   * @throws NoEndpointError when the first look fails, finds none, or the discovery is stopped meanwhile
   */
  async start(): Promise<readonly Target[]> {
    if ('list' in this.#source) return this.#source.list;
    // The caller's request began it, but its timers, and what a function of the user starts, live as long as the pool.
    const outcome = await inOwnContext(() => this.#lookOnce(true));
    if ('targets' in outcome) return outcome.targets;
    const source = nameOfSource(this.#source);
    throw new NoEndpointError(`no server is known: looking for ${source} failed: ${messageOf(outcome.error)}`, {
      source,
      cause: outcome.error,
    });
  }

  /** A connection was lost, or could not be opened: the servers may have changed. */
  lost(): void {
    this.#lost = true;
    // Before start(), and with a list, there is nothing to repeat.
    if (this.#began === Number.NEGATIVE_INFINITY || this.#look !== undefined) return;
    this.#lookAt(this.#began + this.#settings.minInterval);
  }

  /** Whether it looks no more. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Ends the look under way, and all others. What arrives later is ignored. */
  stop(): void {
    this.#stopped = true;
    this.#next?.timer.cancel();
    this.#next = undefined;
    this.#look?.abort(new Error('the pool is closing'));
  }

  async #lookAgain(): Promise<void> {
    this.#next = undefined;
    const before = this.#targets;
    const outcome = await this.#lookOnce(false);
    if (this.#stopped) return;
    if ('error' in outcome) this.#listeners.stale(outcome.error);
    else if (before === undefined || !areSame(before, outcome.targets)) this.#listeners.changed(outcome.targets);
  }

  /** One look, and the time of the next. */
  async #lookOnce(holdsProcess: boolean): Promise<{ targets: readonly Target[] } | { error: unknown }> {
    this.#began = this.#clock.now();
    this.#lost = false;
    try {
      const targets = await this.#answer(holdsProcess);
      this.#targets = targets;
      this.#failures = 0;
      return { targets };
    } catch (error) {
      this.#failures++;
      return { error };
    } finally {
      this.#planNext();
    }
  }

  /** What a look finds, in time. */
  async #answer(holdsProcess: boolean): Promise<readonly Target[]> {
    const { timeout } = this.#settings;
    const look = new AbortController();
    if (this.#stopped) look.abort(new Error('the pool is closing'));
    look.signal.throwIfAborted();
    if (this.#unended >= mostUnended) throw new DeadlineError(`each of the last ${mostUnended} looks`, timeout);
    this.#look = look;
    this.#unended++;
    const onTimeout = (): void => look.abort(new DeadlineError('looking for servers', timeout));
    const timer = patientTimer(this.#clock, timeout, holdsProcess, onTimeout);
    const answer = this.#ask(look.signal).finally(() => this.#unended--);
    try {
      return await untilAborted(answer, look.signal);
    } finally {
      timer.cancel();
      this.#look = undefined;
    }
  }

  async #ask(signal: AbortSignal): Promise<readonly Target[]> {
    const source = this.#source;
    if ('dns' in source) return targetsAt(source, await this.#names.addressesOf(source.dns, source.family));
    if ('srv' in source) return targetsOf(source, await this.#names.servicesOf(source.srv, signal));
    if ('list' in source) return source.list;
    return resolveEndpoints(await source.discover(signal), 'What discover() returned', 'discover()');
  }

  #planNext(): void {
    const { refresh, minInterval } = this.#settings;
    const later = 1 + jitter * this.#random();
    if (this.#targets === undefined) {
      // Until there is a server nothing is served, so the first looks are close together.
      this.#lookAt(this.#began + later * Math.min(minInterval, firstPause * 2 ** (this.#failures - 1)));
    } else if (this.#failures > 0) this.#lookAt(this.#began + later * minInterval);
    else if (this.#lost) this.#lookAt(this.#began + minInterval);
    else if (refresh > 0) {
      const drawn = refresh * (1 + jitter * (2 * this.#random() - 1));
      this.#lookAt(this.#began + Math.max(minInterval, drawn));
    }
  }

  /** Looks again then, if not sooner anyway. */
  #lookAt(at: number): void {
    if (this.#stopped || (this.#next !== undefined && this.#next.at <= at)) return;
    this.#next?.timer.cancel();
    // It holds no process: nobody waits for it.
    const timer = this.#clock.timer(at - this.#clock.now(), false, () => void this.#lookAgain());
    this.#next = { at, timer };
  }
}

/** Whether two lists have the same servers, in whichever order: DNS turns its answers round. */
function areSame(some: readonly Target[], others: readonly Target[]): boolean {
  const known = new Map(some.map((target) => [target.url, target]));
  return (
    some.length === others.length &&
    others.every((target) => {
      const same = known.get(target.url);
      return (
        same !== undefined &&
        same.weight === target.weight &&
        same.zone === target.zone &&
        same.priority === target.priority
      );
    })
  );
}
