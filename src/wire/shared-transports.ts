import type { CodecOptions } from 'surrealdb';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { inOwnContext } from '../time/own-context.js';
import { untilAborted } from '../time/until-aborted.js';
import { type SocketSettings, Transport, type TransportFullError } from './transport.js';

/** What decides how connections share transports. */
export interface TransportSettings {
  /** The most connections on one transport; `Infinity` for an embedded engine, which carries all. */
  readonly sessionsPerTransport: number;
  readonly socket: SocketSettings;
  /** The SDK's codec options: how values are read from the wire. */
  readonly codec?: CodecOptions | undefined;
}

/** The transports to one address. */
interface Place {
  readonly key: string;
  readonly address: EndpointAddress;
  readonly shared: Set<Shared>;
  /** How many connections the server took on a socket when it refused one more. Reset once a socket ends. */
  serverLimit: number;
}

interface Shared {
  readonly place: Place;
  readonly opening: Promise<Transport>;
  readonly abandon: AbortController;
  /** Set once it is open. */
  transport: Transport | undefined;
  /** A connection timed out waiting for it to open; others are not sent here. */
  openingTimedOut: boolean;
  /** Connections that use it or wait for it. */
  users: number;
}

/**
 * The transports of one pool, to all its addresses. A connection joins one and leaves it; the last one to leave closes a socket. An embedded
 * engine stays until {@link Transports.close}: with `mem://` it *is* the database.
 */
export class Transports {
  readonly #settings: TransportSettings;
  readonly #keepsEmpty: boolean;
  /** The addresses with a transport, by their key. */
  readonly #places = new Map<string, Place>();
  readonly #byTransport = new Map<Transport, Shared>();
  constructor(settings: TransportSettings) {
    this.#settings = settings;
    this.#keepsEmpty = settings.sessionsPerTransport === Number.POSITIVE_INFINITY;
  }

  /** Joins a transport to this address with room, opening one when all are full. */
  async join(address: EndpointAddress, signal: AbortSignal): Promise<Transport> {
    const place = this.#placeOf(address);
    const shared = this.#withRoom(place) ?? this.#open(place);
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

  /**
   * A server refused a session on a transport. Until a socket to it ends, no socket to it gets more than it took there.
   */
  full({ transport, sessions }: TransportFullError): void {
    const shared = this.#byTransport.get(transport);
    if (shared === undefined) return;
    const { place, users } = shared;
    // A connection that was only switching its session already has one, so one place must stay free.
    place.serverLimit = Math.max(1, Math.min(place.serverLimit, sessions, users - 1));
  }

  /** Whether this connection is the only one on its transport, so that ending it may end the transport. */
  isLast(transport: Transport): boolean {
    return !this.#keepsEmpty && (this.#byTransport.get(transport)?.users ?? 1) === 1;
  }

  /** Any open transport. */
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

  /** Leaves a transport and closes it if no connection is left on it. */
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
    const reason = new Error('the pool was shut down');
    for (const { shared } of this.#places.values()) for (const { abandon } of shared) abandon.abort(reason);
    for (const { shared } of this.#places.values()) shared.clear();
    this.#places.clear();
    this.#byTransport.clear();
    await Promise.all(left.map((transport) => transport.close(signal)));
  }

  #placeOf(address: EndpointAddress): Place {
    const { url, servername } = address;
    const key = JSON.stringify([url, servername ?? null]);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { key, address, shared: new Set(), serverLimit: Number.POSITIVE_INFINITY };
      this.#places.set(key, place);
    }
    return place;
  }

  #withRoom(place: Place): Shared | undefined {
    const limit = Math.min(this.#settings.sessionsPerTransport, place.serverLimit);
    for (const shared of place.shared) {
      if (shared.users < limit && this.#takesMore(shared)) return shared;
    }
    return undefined;
  }

  #takesMore({ transport, openingTimedOut }: Shared): boolean {
    // An embedded engine must be waited for: a second one would be another database, or find the files locked.
    if (transport === undefined) return !openingTimedOut || this.#keepsEmpty;
    return !transport.ended;
  }

  #open(place: Place): Shared {
    const { socket, codec } = this.#settings;
    const abandon = new AbortController();
    const opening = inOwnContext(() => Transport.open(place.address, socket, abandon.signal, codec));
    const shared: Shared = { place, opening, abandon, transport: undefined, openingTimedOut: false, users: 0 };
    place.shared.add(shared);
    shared.opening.then(
      (transport) => {
        if (!place.shared.has(shared)) {
          transport.terminate();
          return;
        }
        shared.transport = transport;
        this.#byTransport.set(transport, shared);
        // Each connection on it has its own listener for its end.
        transport.onDeath(() => this.#forget(shared));
      },
      () => this.#remove(shared),
    );
    return shared;
  }

  #forget(shared: Shared): void {
    // The limit of the server may have changed.
    shared.place.serverLimit = Number.POSITIVE_INFINITY;
    this.#remove(shared);
    if (shared.transport !== undefined) this.#byTransport.delete(shared.transport);
  }

  /** An address with no transport is forgotten: a list that comes from DNS changes for ever. */
  #remove(shared: Shared): void {
    const { place } = shared;
    place.shared.delete(shared);
    if (place.shared.size === 0 && this.#places.get(place.key) === place) this.#places.delete(place.key);
  }
}
