import type { CodecOptions } from 'surrealdb';
import { inOwnContext } from '../time/own-context.js';
import { untilAborted } from '../time/until-aborted.js';
import { type SocketSettings, Transport, type TransportFullError } from './transport.js';

/** What decides how connections share transports. */
export interface TransportSettings {
  readonly url: string;
  /** How many connections a transport carries at most; `Infinity` for an embedded engine, which carries all. */
  readonly sessionsPerTransport: number;
  readonly socket: SocketSettings;
  /** How values are read from the wire. */
  readonly codec?: CodecOptions | undefined;
}

interface Shared {
  readonly opening: Promise<Transport>;
  readonly abandon: AbortController;
  /** Set once it is open. */
  transport: Transport | undefined;
  /** A connection waited for its opening in vain: no further one is sent here. */
  openingTimedOut: boolean;
  /** Connections that are on it or wait for it. */
  users: number;
}

/**
 * The transports of one pool. A connection joins one and leaves it; the last one to leave closes a socket. An embedded
 * engine stays until {@link Transports.close}: with `mem://` it *is* the database.
 */
export class Transports {
  readonly #settings: TransportSettings;
  readonly #keepsEmpty: boolean;
  readonly #shared = new Set<Shared>();
  readonly #byTransport = new Map<Transport, Shared>();
  /** How many connections the server took on a socket when it refused one more. Asked anew once a socket ended. */
  #serverLimit = Number.POSITIVE_INFINITY;

  constructor(settings: TransportSettings) {
    this.#settings = settings;
    this.#keepsEmpty = settings.sessionsPerTransport === Number.POSITIVE_INFINITY;
  }

  /** Joins a transport with room, opening one when all are full. */
  async join(signal: AbortSignal): Promise<Transport> {
    const shared = this.#withRoom() ?? this.#open();
    shared.users++;
    try {
      const transport = await untilAborted(shared.opening, signal);
      if (transport.ended) throw new Error('the transport ended while it was being shared');
      return transport;
    } catch (error) {
      shared.users--;
      shared.openingTimedOut = shared.transport === undefined;
      if (shared.users === 0 && !this.#keepsEmpty) {
        this.#forget(shared);
        shared.abandon.abort(error);
        shared.transport?.terminate();
      }
      throw error;
    }
  }

  /** The server refused a session on a transport: no socket gets more than it took there, until a socket ended. */
  full({ transport, sessions }: TransportFullError): void {
    const users = this.#byTransport.get(transport)?.users;
    if (users === undefined) return;
    // A connection that only wanted to change its session has one already: it needs a place to spare.
    this.#serverLimit = Math.max(1, Math.min(this.#serverLimit, sessions, users - 1));
  }

  /** Whether this connection is the only one on its transport, so that ending it may end the transport. */
  isLast(transport: Transport): boolean {
    return !this.#keepsEmpty && (this.#byTransport.get(transport)?.users ?? 1) === 1;
  }

  /** Any transport that is open. */
  get anyOpen(): Transport | undefined {
    for (const transport of this.#byTransport.keys()) {
      if (!transport.ended) return transport;
    }
    return undefined;
  }

  get holdsProcess(): boolean {
    for (const transport of this.#byTransport.keys()) {
      if (transport.definedIndex) return true;
    }
    return false;
  }

  /** Leaves a transport, and closes it when no connection is left on it. */
  async leave(transport: Transport, signal: AbortSignal): Promise<void> {
    const shared = this.#byTransport.get(transport);
    if (shared === undefined) return;
    shared.users--;
    if (shared.users > 0 || this.#keepsEmpty) return;
    this.#forget(shared);
    await transport.close(signal);
  }

  /** Closes all transports, whatever is still on them. */
  async close(signal: AbortSignal): Promise<void> {
    const left = [...this.#byTransport.keys()];
    for (const shared of this.#shared) shared.abandon.abort(new Error('the pool was shut down'));
    this.#shared.clear();
    this.#byTransport.clear();
    await Promise.all(left.map((transport) => transport.close(signal)));
  }

  #withRoom(): Shared | undefined {
    const limit = Math.min(this.#settings.sessionsPerTransport, this.#serverLimit);
    for (const shared of this.#shared) {
      if (shared.users < limit && this.#takesMore(shared)) return shared;
    }
    return undefined;
  }

  #takesMore({ transport, openingTimedOut }: Shared): boolean {
    // There is only one embedded engine to wait for: a second one would be another database, or find the files locked.
    if (transport === undefined) return !openingTimedOut || this.#keepsEmpty;
    return !transport.ended;
  }

  #open(): Shared {
    const { url, socket, codec } = this.#settings;
    const abandon = new AbortController();
    const opening = inOwnContext(() => Transport.open(url, socket, abandon.signal, codec));
    const shared: Shared = { opening, abandon, transport: undefined, openingTimedOut: false, users: 0 };
    this.#shared.add(shared);
    shared.opening.then(
      (transport) => {
        if (!this.#shared.has(shared)) {
          transport.terminate();
          return;
        }
        shared.transport = transport;
        this.#byTransport.set(transport, shared);
        // Each connection on it listens for its death by itself.
        transport.onDeath(() => this.#forget(shared));
      },
      () => this.#shared.delete(shared),
    );
    return shared;
  }

  #forget(shared: Shared): void {
    // What the server allows may have been changed since.
    this.#serverLimit = Number.POSITIVE_INFINITY;
    this.#shared.delete(shared);
    if (shared.transport !== undefined) this.#byTransport.delete(shared.transport);
  }
}
