import type { ConnectionManager } from '../manager.js';
import { RecentChanges } from '../verdict/recent-changes.js';
import { verdictOf } from '../verdict/verdict.js';
import { reportsOf, verdictReading } from '../verdict/verdict-reading.js';
import { RecentEvents } from './recent-events.js';
import { type ConsoleSnapshot, snapshotOf } from './snapshot.js';

/** Looks at one pool: reads snapshots, and listens to its events until {@link PoolWatch.end}. */
export class PoolWatch {
  /** The name by which the pool is shown. */
  readonly name: string;
  readonly #manager: ConnectionManager;
  readonly #recent: RecentChanges;
  readonly #events: RecentEvents;

  /** @param recent what was noted of this pool before */
  constructor(manager: ConnectionManager, name: string = manager.name, recent: RecentChanges = new RecentChanges()) {
    this.name = name;
    this.#manager = manager;
    this.#recent = recent;
    this.#events = new RecentEvents(manager);
  }

  /** The pool now. It costs the more the more connections and sessions there are: about 1 ms for 1,000 connections. */
  read(): ConsoleSnapshot {
    const reports = reportsOf(this.#manager);
    const reading = verdictReading(reports, this.#recent, this.#events.seen);
    const { lately, lastMinute } = reading;
    return snapshotOf({
      ...reports,
      ...{ pool: this.name, time: Date.now(), verdict: verdictOf(reading), lately, lastMinute },
      events: this.#events.shown,
    });
  }

  /** Listens no more. */
  end(): void {
    this.#events.end();
  }
}
