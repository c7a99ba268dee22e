import { inOwnContext } from '../time/own-context.js';
import { untilAborted } from '../time/until-aborted.js';
import { type SocketSettings, Transport } from './transport.js';

/** What decides how connections share transports. */
export interface TransportSettings {
  readonly url: string;
  /** How many connections a transport carries at most; `Infinity` for an embedded engine, which carries all. */
  readonly sessionsPerTransport: number;
  readonly socket: SocketSettings;
}

interface Shared {
  readonly opening: Promise<Transport>;
  readonly abandon: AbortController;
  /** Set once it is open. */
  transport: Transport | undefined;
  /** Somebody waited for its opening in vain: nobody else is made to. */
  stuck: boolean;
  /** Connections that are on it or wait for it. */
  places: number;
}

/**
 * The transports of one pool. A connection takes a place on one and gives it back; the last one to leave closes a
 * socket. An embedded engine stays until {@link Transports.close}: with `mem://` it *is* the database.
 */
export class Transports {
  readonly #settings: TransportSettings;
  readonly #keepsEmpty: boolean;
  readonly #shared = new Set<Shared>();
  readonly #byTransport = new Map<Transport, Shared>();

  constructor(settings: TransportSettings) {
    this.#settings = settings;
    this.#keepsEmpty = settings.sessionsPerTransport === Number.POSITIVE_INFINITY;
  }

  /** Takes a place on a transport, opening one when all are full. */
  async take(signal: AbortSignal): Promise<Transport> {
    const shared = this.#withRoom() ?? this.#open();
    shared.places++;
    try {
      const transport = await untilAborted(shared.opening, signal);
      if (transport.ended) throw new Error('the transport ended while it was being shared');
      return transport;
    } catch (error) {
      shared.places--;
      shared.stuck = shared.transport === undefined;
      if (shared.places === 0 && !this.#keepsEmpty) {
        this.#forget(shared);
        shared.abandon.abort(error);
        shared.transport?.terminate();
      }
      throw error;
    }
  }

  /** Whether this connection is the only one on its transport, so that ending it may end the transport. */
  isLast(transport: Transport): boolean {
    return !this.#keepsEmpty && (this.#byTransport.get(transport)?.places ?? 1) === 1;
  }

  /** One that is open, whoever is on it. */
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

  /** Gives a place back. Closes the transport when it was the last one. */
  async give(transport: Transport, signal: AbortSignal): Promise<void> {
    const shared = this.#byTransport.get(transport);
    if (shared === undefined) return;
    shared.places--;
    if (shared.places > 0 || this.#keepsEmpty) return;
    this.#forget(shared);
    await transport.close(signal);
  }

  /** Closes whatever is left. */
  async close(signal: AbortSignal): Promise<void> {
    const left = [...this.#byTransport.keys()];
    for (const shared of this.#shared) shared.abandon.abort(new Error('the pool was shut down'));
    this.#shared.clear();
    this.#byTransport.clear();
    await Promise.all(left.map((transport) => transport.close(signal)));
  }

  #withRoom(): Shared | undefined {
    for (const shared of this.#shared) {
      if (shared.places < this.#settings.sessionsPerTransport && this.#takesMore(shared)) return shared;
    }
    return undefined;
  }

  #takesMore({ transport, stuck }: Shared): boolean {
    // There is only one embedded engine to wait for: a second one would be another database, or find the files locked.
    if (transport === undefined) return !stuck || this.#keepsEmpty;
    return !transport.ended;
  }

  #open(): Shared {
    const { url, socket } = this.#settings;
    const abandon = new AbortController();
    const opening = inOwnContext(() => Transport.open(url, socket, abandon.signal));
    const shared: Shared = { opening, abandon, transport: undefined, stuck: false, places: 0 };
    this.#shared.add(shared);
    shared.opening.then(
      (transport) => {
        if (!this.#shared.has(shared)) {
          transport.terminate();
          return;
        }
        shared.transport = transport;
        this.#byTransport.set(transport, shared);
        // Those on it learn of its death one by one.
        transport.onDeath(() => this.#forget(shared));
      },
      () => this.#shared.delete(shared),
    );
    return shared;
  }

  #forget(shared: Shared): void {
    this.#shared.delete(shared);
    if (shared.transport !== undefined) this.#byTransport.delete(shared.transport);
  }
}
