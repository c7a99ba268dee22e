import type { ConnectionManager } from '../manager.js';
import type { PoolEvents } from '../pool/events.js';
import type { SeenEvents } from '../verdict/verdict-reading.js';
import { type EventWords, wordings } from './event-words.js';

/** Something that happened to the pool, in words. */
export interface RecentEvent {
  /** Counts the events from 1. */
  readonly id: number;
  /** The time of day of the last of them, in milliseconds since 1970. */
  readonly time: number;
  /** The name of the event, as in `subscribe()`. */
  readonly name: keyof PoolEvents;
  readonly level: EventWords['level'];
  /** What happened, and why. */
  readonly text: string;
  /** How often in a row. */
  readonly count: number;
}

/** How many events are kept. */
const mostEvents = 100;
/** Events that say the same are counted together while they follow one another within this, in milliseconds. */
const repeatsWithin = 10_000;
/** How far back one that says the same is looked for. */
const mostLookedAt = 8;
/** Half of a minute, in milliseconds. */
const halfMinute = 30_000;

/** What is counted over the last minute: this half and the one before. */
class MinuteCounts {
  #before = new Map<string, number>();
  #now = new Map<string, number>();
  #until = 0;

  add(key: string, count: number, time: number): void {
    this.#turn(time);
    this.#now.set(key, (this.#now.get(key) ?? 0) + count);
  }

  read(time: number): Map<string, number> {
    this.#turn(time);
    const all = new Map(this.#before);
    for (const [key, count] of this.#now) all.set(key, (all.get(key) ?? 0) + count);
    return all;
  }

  #turn(time: number): void {
    if (time < this.#until) return;
    this.#before = time < this.#until + halfMinute ? this.#now : new Map();
    this.#now = new Map();
    this.#until = time + halfMinute;
  }
}

/** The last events of a pool. It listens from its making to {@link RecentEvents.end}. */
export class RecentEvents {
  readonly #time: () => number;
  readonly #unsubscribe: (() => void)[] = [];
  #events: RecentEvent[] = [];
  #count = 0;
  /** By what an event is told from others of its name. */
  readonly #same = new WeakMap<RecentEvent, string>();
  readonly #nested = new MinuteCounts();
  readonly #refused = new MinuteCounts();

  /** @param time the time of day, in milliseconds */
  constructor(manager: Pick<ConnectionManager, 'subscribe'>, time: () => number = () => Date.now()) {
    this.#time = time;
    const listen = <Name extends keyof PoolEvents>(
      name: Name,
      words: (event: PoolEvents[Name]) => EventWords,
    ): void => {
      this.#unsubscribe.push(manager.subscribe(name, (event) => this.add(name, words(event))));
    };
    for (const name of Object.keys(wordings) as (keyof typeof wordings)[]) listen(name, wordings[name] as never);
    this.#unsubscribe.push(
      manager.subscribe('nestedAcquire', () => this.#nested.add('', 1, this.#time())),
      manager.subscribe('agentLimit', ({ limitOf, limit, refused }) =>
        this.#refused.add(JSON.stringify([limitOf, limit]), refused, this.#time()),
      ),
    );
  }

  /** The newest first. */
  get shown(): readonly RecentEvent[] {
    return this.#events;
  }

  /** What was counted over the last minute. */
  get seen(): SeenEvents {
    const time = this.#time();
    const refused = [...this.#refused.read(time)].map(([key, count]) => {
      const [agentId, limit] = JSON.parse(key) as [string, string];
      return { agentId, limit, refused: count };
    });
    return { nestedAcquires: this.#nested.read(time).get('') ?? 0, refusedAgents: refused };
  }

  add(name: keyof PoolEvents, { level, text, same = text }: EventWords): void {
    const time = this.#time();
    const place = this.#events.slice(0, mostLookedAt).findIndex((event) => this.#repeats(event, name, same, time));
    const before = this.#events[place];
    if (before !== undefined) this.#events.splice(place, 1);
    const event = { id: before?.id ?? ++this.#count, time, name, level, text, count: (before?.count ?? 0) + 1 };
    this.#same.set(event, same);
    this.#events.unshift(event);
    if (this.#events.length > mostEvents) this.#events = this.#events.slice(0, mostEvents);
  }

  #repeats(event: RecentEvent, name: keyof PoolEvents, same: string, time: number): boolean {
    return event.name === name && time - event.time <= repeatsWithin && this.#same.get(event) === same;
  }

  /** Listens no more. */
  end(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }
}
