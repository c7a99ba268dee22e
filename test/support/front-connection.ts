import { setTimeout as sleep } from 'node:timers/promises';
import type { RpcErrorObject } from 'surrealdb';
import type { WebSocket } from 'ws';
import type { Backend, Service } from './backend.js';
import { encodeNonsense, type Nonsense } from './nonsense.js';
import { internalError, parseFailed, shuttingDown } from './rpc-errors.js';
import { codec, decodeCall, encodeReply, failure, type RpcCall, type RpcOutcome } from './rpc-wire.js';

/**
 * What becomes of one request:
 * - `pass`: executed and answered
 * - `drop`: executed, then the socket is terminated instead of the reply
 * - `swallow`: executed, never answered
 * - `kill`: not executed, the socket is terminated
 * - `delay`: executed and answered, but so many milliseconds later
 * - `nonsense`: executed and answered by something that is no answer
 * - `instead`: executed, then these frames are sent in place of the reply that would have been: binary or text
 * - `error`: not executed, and answered with this error
 * - `unread`: not executed, and answered as what a server cannot read: without the number of the request
 */
export type Fault =
  | 'pass'
  | 'drop'
  | 'swallow'
  | 'kill'
  | 'unread'
  | { readonly delay: number }
  | { readonly nonsense: Nonsense }
  | { readonly instead: (reply: Uint8Array) => readonly (Uint8Array | string)[] }
  | { readonly error: RpcErrorObject };

/** As the servers from 3.0.5 to 3.3.5 say it. */
const notRead = { code: -32700, details: { kind: 'Parse' }, kind: 'Validation', message: 'Parse error' };

/** Decides over each request as it arrives; a promise holds the request back until it is settled. */
export type RequestHook = (request: RpcCall, connection: FrontConnection) => Fault | Promise<Fault>;

/** The part of a front that its sockets follow; read anew for every request. */
export interface FrontRules {
  readonly auth: boolean;
  readonly pingEvery: number;
  readonly onRequest: RequestHook;
  readonly latency: number;
  readonly draining: boolean;
  /** Called for every request before anything else. */
  arrived(request: RpcCall): void;
}

// The close code that asks a client to come again later.
const tryAgainLater = 1013;

// A lone "break" ends something that never began: no CBOR decoder takes it.
const garbage = Uint8Array.of(0xff, 0xff, 0xff, 0xff);

/** One open socket of a front. */
export class FrontConnection {
  /** Counts the sockets of a front from 1. */
  readonly number: number;
  /** Settles when everything of the socket is gone from the server behind. */
  readonly closed: Promise<void>;
  /** Pings that came from the client. */
  pinged = 0;
  readonly #socket: WebSocket;
  readonly #rules: FrontRules;
  readonly #service: Service;
  #inFlight = 0;
  #drained = false;
  #silent = false;

  constructor(number: number, socket: WebSocket, backend: Backend, rules: FrontRules) {
    this.number = number;
    this.#socket = socket;
    this.#rules = rules;
    this.#service = backend.serve({
      auth: rules.auth,
      notify: (frame) => this.#write(frame),
      ended: () => this.terminate(),
    });
    // A real server pings at once and then at every interval.
    this.#ping();
    const pinger = setInterval(() => this.#ping(), rules.pingEvery);
    this.closed = new Promise((closed) => {
      socket.once('close', () => {
        clearInterval(pinger);
        closed(this.#service.close());
      });
    });
    socket.on('ping', () => {
      this.pinged++;
    });
    // Errors of a socket always end in its `close`, which is where they are dealt with.
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) void this.#serve(new Uint8Array(data));
      else socket.close(1003, 'Only CBOR is understood');
    });
  }

  /** Cuts the socket without a closing handshake. */
  terminate(): void {
    this.#socket.terminate();
  }

  close(code?: number, reason = ''): void {
    if (!this.#silent) this.#socket.close(code, code === undefined ? undefined : reason);
  }

  /** Sends a close frame and does nothing more: the connection under the socket stays open. */
  closeAndStay(code?: number, reason = ''): void {
    // Not the other way round: the answer to the close frame would be read before the pause.
    this.#socket.pause();
    this.close(code, reason);
    this.#silent = true;
  }

  /** Sends a binary frame that cannot be decoded. */
  corrupt(): void {
    this.#write(garbage);
  }

  /** Sends one binary frame of so many bytes: more than the client's `maxPayload` is more than it takes. */
  oversize(bytes: number): void {
    this.#write(new Uint8Array(bytes));
  }

  /** Sends a text frame, which has no meaning here: CBOR comes in binary ones. */
  text(content = 'hello'): void {
    this.#write(content);
  }

  /** Sends so many pings at once that nobody asked for. */
  floodPings(count: number): void {
    for (let sent = 0; sent < count; sent++) this.#ping();
  }

  /**
   * From now on the socket neither reads nor writes, and stays open: what is left of a connection whose other end
   * lost its power. The front does not even see the client close it.
   */
  halfOpen(): void {
    this.#silent = true;
    this.#socket.pause();
  }

  async #serve(frame: Uint8Array): Promise<void> {
    const call = decodeCall(frame);
    if (!call) {
      this.#write(encodeReply(undefined, failure(parseFailed)));
      return;
    }
    this.#rules.arrived(call);
    this.#inFlight += 1;
    try {
      await this.#answer(call);
    } catch (error) {
      this.#write(encodeReply(call.id, failure(internalError(String(error)))));
    } finally {
      this.#inFlight -= 1;
    }
    // A draining server still answers what it had begun.
    if (this.#drained && this.#inFlight === 0) this.close(tryAgainLater, shuttingDown.message);
  }

  async #answer(call: RpcCall): Promise<void> {
    // Awaited even when it is no promise: requests that take equally many turns keep their order.
    const fault = await this.#rules.onRequest(call, this);
    const wait = this.#rules.latency + (typeof fault === 'object' && 'delay' in fault ? fault.delay : 0);
    // A request held back must not keep the process from exiting.
    if (wait > 0) await sleep(wait, undefined, { ref: false });
    // What waited while its socket went away, or fell silent, has never arrived.
    if (this.#silent || this.#socket.readyState !== this.#socket.OPEN) return;
    if (fault === 'kill') return this.terminate();
    if (fault === 'unread') return this.#write(codec.encode({ error: notRead }));
    if (typeof fault === 'object' && 'error' in fault) return this.#write(encodeReply(call.id, failure(fault.error)));
    const outcome = await this.#execute(call);
    if (fault === 'drop') return this.terminate();
    if (fault === 'swallow') return;
    const reply = encodeReply(call.id, outcome);
    if (typeof fault !== 'object' || 'delay' in fault) this.#write(reply);
    else if ('nonsense' in fault) this.#write(encodeNonsense(fault.nonsense, call.id));
    else for (const frame of fault.instead(reply)) this.#write(frame);
  }

  async #execute(call: RpcCall): Promise<RpcOutcome> {
    if (!this.#rules.draining || call.method !== 'query') return this.#service.execute(call);
    this.#drained = true;
    return failure(shuttingDown);
  }

  #ping(): void {
    if (!this.#silent && this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #write(frame: Uint8Array | string): void {
    if (!this.#silent && this.#socket.readyState === this.#socket.OPEN) this.#socket.send(frame);
  }
}
