import { endLease } from '../manager/end-lease.js';
import type { Lease, LeaseHolder } from '../pool/lease.js';
import type { Pool } from '../pool/pool.js';
import type { Connection } from '../session/connection.js';
import type { ConnectionIdentity } from '../session/identity.js';
import { systemClock, type Timer } from '../time/clock.js';
import { inOwnContext } from '../time/own-context.js';

/** What the watch asks of its session. */
export interface HoldingSession {
  readonly agentId: string;
  /** How long a lease may hold a connection, in milliseconds; 0 for ever. */
  readonly usage: { readonly maxHold: number };
  readonly leases: LeaseHolder;
  /** A look has found no lease. */
  holdsNone(): void;
}

/** Ends leases of one session that hold a connection for too long. One timer for all, since few are held for long. */
export class HoldWatch {
  readonly #session: HoldingSession;
  readonly #pool: Pool<Connection, ConnectionIdentity>;
  #timer: Timer | undefined;

  constructor(session: HoldingSession, pool: Pool<Connection, ConnectionIdentity>) {
    this.#session = session;
    this.#pool = pool;
  }

  /** A connection was lent. */
  lent(): void {
    if (this.#timer === undefined) this.#lookIn(this.#session.usage.maxHold);
  }

  /** Ends the leases that are too old by now, and looks again when the next one may be. */
  look(): void {
    this.end();
    const { maxHold } = this.#session.usage;
    if (maxHold === 0) return;
    const now = systemClock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const lease of this.#pool.leasesOf(this.#session.leases)) {
      const held = now - lease.since;
      if (held >= maxHold) this.#expire(lease, held, maxHold);
      else next = Math.min(next, maxHold - held);
    }
    if (next < Number.POSITIVE_INFINITY) this.#lookIn(next);
    else this.#session.holdsNone();
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** @param delay in milliseconds; 0: not at all */
  #lookIn(delay: number): void {
    if (delay === 0) return;
    this.#timer = inOwnContext(() => systemClock.timer(delay, false, () => this.look()));
  }

  #expire(lease: Lease<Connection>, held: number, maxHold: number): void {
    const { events } = this.#pool;
    const { id: connection, origin } = lease;
    const text = origin?.text;
    const where = text === undefined || text === '' ? '' : `; it was acquired here:\n${text}`;
    endLease(
      lease,
      `the lease of connection ${connection} has ended by itself: agent ${JSON.stringify(this.#session.agentId)} held it for longer than its limit maxHold (${maxHold} ms); acquire a new one, and release it while you wait for something else${where}`,
    );
    if (events.has('leaseExpired')) events.emit('leaseExpired', { connection, held, maxHold, origin: text });
  }
}
