import type { AcquireTrace } from '../telemetry/channels.js';
import { Numbers } from './numbers.js';
import { RecordedUnit } from './recorded-unit.js';

/** The most identities and agents of a pool that are told apart. */
const mostApart = 10_000;

/** What is under way in one pool of a recording. */
export class RecordedPool {
  readonly number: number;
  maxConnections = -1;
  /** By the number of their lease. */
  readonly units: Map<number, RecordedUnit> = new Map();
  /** Units that have their connection to themselves, by its number. */
  readonly #holders = new Map<number, RecordedUnit>();
  /** Single calls by the number of their connection. */
  readonly #sharers = new Map<number, Sharers>();
  readonly #identities = new Numbers<string>(mostApart);
  #lastIdentity: (Pick<AcquireTrace, 'namespace' | 'database' | 'user'> & { number: number }) | undefined;
  readonly #agents = new Numbers<string>(mostApart);

  constructor(number: number) {
    this.number = number;
  }

  asked({ single, namespace, database, user, agent }: AcquireTrace, now: number): RecordedUnit {
    const identity = this.#identityOf(namespace, database, user);
    const agentNumber = agent === undefined ? undefined : this.#agents.of(agent);
    return new RecordedUnit(this.number, single ? 'call' : 'lease', identity, agentNumber, now);
  }

  #identityOf(namespace: string, database: string, user: string): number {
    const last = this.#lastIdentity;
    // Nearly all acquires of a service are of the same identity, or come in rows.
    if (last?.namespace === namespace && last.database === database && last.user === user) return last.number;
    const number = this.#identities.of(JSON.stringify([namespace, database, user]));
    this.#lastIdentity = { namespace, database, user, number };
    return number;
  }

  lent(unit: RecordedUnit, lease: number, connection: number, now: number): void {
    unit.lent = now;
    this.units.set(lease, unit);
    if (unit.kind !== 'call') {
      this.#holders.set(connection, unit);
      return;
    }
    const sharers = this.#sharers.get(connection) ?? new Sharers();
    this.#sharers.set(connection, sharers);
    sharers.join(unit, now);
  }

  /** Who has this connection alone. */
  holderOf(connection: number): RecordedUnit | undefined {
    return this.#holders.get(connection);
  }

  /** The end of a lease; undefined for one that began before the recording. */
  released(lease: number, connection: number, now: number): RecordedUnit | undefined {
    const unit = this.units.get(lease);
    if (unit === undefined) return undefined;
    this.units.delete(lease);
    if (this.#holders.get(connection) === unit) this.#holders.delete(connection);
    const sharers = this.#sharers.get(connection);
    if (sharers?.leave(unit, now) === 0) this.#sharers.delete(connection);
    return unit;
  }

  /** Counts the time of shared connections until now. */
  settle(now: number): void {
    for (const sharers of this.#sharers.values()) sharers.settle(now);
  }
}

/**
 * Single calls on one connection. Its time is divided evenly between those under way, so that the sum of their times is
 * the time it was busy, however many shared it.
 */
class Sharers {
  readonly #units = new Set<RecordedUnit>();
  #since = 0;

  join(unit: RecordedUnit, now: number): void {
    this.settle(now);
    this.#units.add(unit);
    if (this.#units.size > 1) for (const one of this.#units) one.shared = true;
  }

  /** @returns how many are left */
  leave(unit: RecordedUnit, now: number): number {
    this.settle(now);
    this.#units.delete(unit);
    return this.#units.size;
  }

  settle(now: number): void {
    const each = (now - this.#since) / Math.max(1, this.#units.size);
    for (const unit of this.#units) unit.busy += each;
    this.#since = now;
  }
}
