import {
  type AccessRecordAuth,
  type AnyAuth,
  CallTerminatedError,
  type CodecOptions,
  ConnectionUnavailableError,
  type Features,
  type LiveMessage,
  type RpcQueryResult,
  type Tokens,
  type Uuid,
} from 'surrealdb';
import { withoutQuery } from '../config/address.js';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { ConnectionLostError } from '../errors/call.js';
import { ConnectError } from '../errors/connect.js';
import { hideTexts } from '../errors/parse-error-text.js';
import { isMethodRefused } from '../errors/server-errors.js';
import type { SocketClosedError } from '../errors/socket-closed.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import { onAbort } from '../time/on-abort.js';
import { type Answer, answerOf } from './answer.js';
import { AttachedSessions } from './attached-sessions.js';
import { type CreateEngine, Engine, engineFor, type SentCall } from './engine.js';
import { EmbeddedExports, type ExportRequest, requestExport } from './export-requests.js';
import { greet } from './greeting.js';
import { Liveness, type LivenessSettings } from './liveness.js';
import { isUnreadByEngine, lostCall, malformedCall } from './lost-call.js';
import { connectFailure } from './opening-failure.js';
import { Pings } from './pings.js';
import type { AnswerSize, EncodedBindings, Recording } from './recording-codec.js';

/** A query text with its parameters, as values or already encoded. */
export interface Statement {
  readonly query: string;
  readonly bindings: Readonly<Record<string, unknown>> | EncodedBindings;
  /** Of which span the server's spans become children. */
  readonly traceContext?: TraceContext | undefined;
}

/** The time limits of a socket, in milliseconds. */
export interface SocketSettings extends LivenessSettings {
  /** How long the handshake may take. */
  readonly openTimeout: number;
}

/**
 * One WebSocket to a server, or one embedded engine. It carries sessions and calls, and dies once: as soon as no answer
 * can come any more. Then every call in flight fails with an error that says whether it may have been executed, and
 * every listener of {@link Transport.onDeath} gets the cause.
 */
export class Transport {
  /** The address without its query string, for errors and logs. */
  readonly endpoint: string;
  readonly address: EndpointAddress;
  readonly #engine: Engine;
  readonly #liveness: Liveness;
  #pings: Pings | undefined;
  #exports: EmbeddedExports | undefined;
  readonly #sessions: AttachedSessions;
  #definedIndex = false;
  /** That of the greeting, for the first caller of {@link Transport.attach}. */
  #firstSession: Uuid | undefined;
  #version: Promise<string> | undefined;
  #holdsSmallAnswersBack = false;
  readonly #deathListeners = new Set<(cause: Error) => void>();
  #ended = false;
  /** Ends the wait for an embedded engine to open, which cannot be cancelled. */
  #stopWaiting: (() => void) | undefined;
  #cause: Error | undefined;

  private constructor(
    address: EndpointAddress,
    createEngine: CreateEngine,
    settings: SocketSettings,
    codec: CodecOptions,
  ) {
    this.address = address;
    this.endpoint = withoutQuery(address.url);
    this.#liveness = new Liveness(settings, (cause) => {
      this.#cause ??= cause;
      // Not `terminate()`: no caller asked for this end, so the listeners must hear of it.
      this.#engine.socket?.terminate();
    });
    const observer = {
      arrived: () => this.#liveness.arrived(),
      closing: (cause: SocketClosedError) => this.#lose(cause),
      failed: (cause: Error) => {
        this.#cause ??= cause;
      },
      unreadable: (method: string) => this.#unreadable(method),
      explain: (error: unknown, call: SentCall) => this.#explain(error, call),
    };
    this.#engine = new Engine(createEngine, observer, settings.openTimeout, codec);
    this.#sessions = new AttachedSessions(this.#engine.sdk);
  }

  /**
   * Opens a transport.
   * @param signal Gives the opening up.
   * @throws ConnectError
   */
  static async open(
    address: EndpointAddress,
    settings: SocketSettings,
    signal: AbortSignal,
    codec: CodecOptions = {},
  ): Promise<Transport> {
    const createEngine = await engineFor(address);
    const transport = new Transport(address, createEngine, settings, codec);
    // Ending the transport ends every wait below.
    const forgetSignal = onAbort(signal, () => transport.terminate());
    try {
      signal.throwIfAborted();
      await transport.#connect();
      if (transport.#engine.socket !== undefined) await transport.#greet();
    } catch (failure) {
      transport.terminate();
      if (failure instanceof ConnectError) throw failure;
      throw connectFailure(address.url, signal.aborted ? signal.reason : (transport.#cause ?? failure));
    } finally {
      forgetSignal();
    }
    return transport;
  }

  /** True as soon as it cannot carry calls any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** See `Greeting`; false for an embedded engine. */
  get holdsSmallAnswersBack(): boolean {
    return this.#holdsSmallAnswersBack;
  }

  /**
   * Whether an index was defined on an embedded engine, which then keeps its threads, and so the process, after
   * `close()`.
   */
  get definedIndex(): boolean {
    return this.#definedIndex;
  }

  /** Calls back once if it ends without `close()` or `terminate()`. Returns a function that removes the listener. */
  onDeath(listener: (cause: Error) => void): () => void {
    this.#deathListeners.add(listener);
    return () => this.#deathListeners.delete(listener);
  }

  /**
   * Makes a session without database and user.
   * @throws TransportFullError when the server takes no further session on this socket
   */
  async attach(): Promise<Uuid> {
    const first = this.#firstSession;
    this.#firstSession = undefined;
    return first ?? (await this.#attach());
  }

  async detach(session: Uuid): Promise<void> {
    await this.#sessions.detach(session);
  }

  supports(feature: (typeof Features)[keyof typeof Features]): boolean {
    const { features } = this.#engine.sdk;
    // Compared by name too: in a bundle, the SDK is another copy than the one the embedded engine imports.
    return features.has(feature) || [...features].some(({ name }) => name === feature.name);
  }

  /** Selects namespace and database together, since some servers do not accept one without the other. */
  async use(place: { readonly namespace: string; readonly database: string }, session: Uuid): Promise<void> {
    await this.#engine.sdk.use({ namespace: place.namespace, database: place.database }, session);
  }

  set(name: string, value: unknown, session: Uuid): Promise<void> {
    return this.#engine.sdk.set(name, value, session);
  }

  unset(name: string, session: Uuid): Promise<void> {
    return this.#engine.sdk.unset(name, session);
  }

  signin(credentials: AnyAuth, session: Uuid): Promise<Tokens> {
    return this.#engine.sdk.signin(credentials, session);
  }

  signup(credentials: AccessRecordAuth, session: Uuid): Promise<Tokens> {
    return this.#engine.sdk.signup(credentials, session);
  }

  authenticate(token: string, session: Uuid): Promise<void> {
    return this.#engine.sdk.authenticate(token, session);
  }

  refresh(tokens: Tokens, session: Uuid): Promise<Tokens> {
    return this.#engine.sdk.refresh(tokens, session);
  }

  invalidate(session: Uuid): Promise<void> {
    return this.#engine.sdk.invalidate(session);
  }

  begin(session: Uuid): Promise<Uuid> {
    return this.#engine.sdk.begin(session);
  }

  commit(transaction: Uuid, session: Uuid): Promise<void> {
    return this.#engine.sdk.commit(transaction, session);
  }

  cancel(transaction: Uuid, session: Uuid): Promise<void> {
    return this.#engine.sdk.cancel(transaction, session);
  }

  /**
   * @param recording receives the bytes of the request and its reply
   * @param size receives the size of the reply
   */
  async query(
    query: Statement,
    session: Uuid,
    transaction?: Uuid,
    recording?: Recording,
    size?: AnswerSize,
  ): Promise<Answer> {
    const engine = this.#engine;
    if (engine.socket === undefined && !this.#definedIndex) {
      this.#definedIndex = /\bDEFINE\s+INDEX\b/i.test(query.query);
    }
    const params = [query.query, query.bindings];
    const method = 'query';
    const request =
      transaction === undefined ? { method, params, session } : { method, params, session, txn: transaction };
    return answerOf(await engine.send<RpcQueryResult[]>(request, recording, size, query.traceContext));
  }

  liveQuery(id: Uuid): AsyncIterable<LiveMessage> {
    return this.#engine.sdk.liveQuery(id);
  }

  /** Asks for the record of the signed-in user: a call allowed to every session that may query. */
  async info(session: Uuid): Promise<void> {
    await this.#engine.sdk.send({ method: 'info', params: [], session });
  }

  /**
   * One round trip that needs no session: a WebSocket ping and its pong. Resolves at once for an embedded engine; rejects
   * when the socket ends first.
   */
  async ping(): Promise<void> {
    const { socket } = this.#engine;
    if (socket === undefined) return;
    this.#pings ??= new Pings(socket);
    await this.#pings.ping();
  }

  /** The version as the server gives it: `surrealdb-3.0.5`. */
  version(): Promise<string> {
    this.#version ??= this.#engine.sdk.version().then(({ version }) => version);
    return this.#version;
  }

  /** Whether the database runs in this process: such an engine lets every session do everything. */
  get isEmbedded(): boolean {
    return this.#engine.socket === undefined;
  }

  /** Exports a database as text, outside of the sessions; an embedded engine does not check the user. */
  export(request: ExportRequest, signal: AbortSignal): Promise<Response> {
    if (!this.isEmbedded) return requestExport(this.address, request, signal);
    this.#exports ??= new EmbeddedExports(this.#engine.sdk);
    return this.#exports.run(request, signal);
  }

  /** Closes it in order: a socket by a close frame, an engine by freeing it. By force once `signal` is aborted. */
  close(signal: AbortSignal): Promise<void> {
    this.#ended = true;
    return new Promise((resolve, reject) => {
      const forgetSignal = onAbort(signal, () => {
        this.terminate();
        resolve();
      });
      this.#engine.close().then(resolve, reject).finally(forgetSignal);
    });
  }

  /** Ends it at once, without waiting for the other side. Calls in flight fail. */
  terminate(): void {
    this.#ended = true;
    const { socket } = this.#engine;
    if (socket !== undefined) socket.terminate();
    // Closed while it opens, the engine would forget the opening, which goes on and holds the files. So it is closed
    // once it is open.
    else if (this.#stopWaiting !== undefined) this.#stopWaiting();
    else this.#engine.close().catch(() => {});
  }

  #connect(): Promise<void> {
    const { sdk } = this.#engine;
    return new Promise((resolve, reject) => {
      let connected = false;
      this.#stopWaiting = () => reject(new Error('the connection was closed while it was being opened'));
      sdk.subscribe('connected', () => {
        connected = true;
        this.#stopWaiting = undefined;
        if (this.#engine.socket !== undefined) this.#liveness.watch(this.#engine.socket);
        if (this.#ended) this.terminate();
        resolve();
      });
      sdk.subscribe('error', (error) => {
        this.#cause ??= error;
        if (!connected) reject(this.#cause);
      });
      sdk.subscribe('disconnected', () => {
        this.#liveness.stop();
        if (!connected) reject(this.#cause ?? new Error('the connection was closed'));
        this.#die();
      });
      this.#engine.open(this.address.url, this.#sessions.bySession);
    });
  }

  async #greet(): Promise<void> {
    const { session, holdsSmallAnswersBack } = await greet(this.endpoint, {
      version: () => this.version(),
      attach: () => this.#attach(),
    });
    this.#firstSession = session;
    this.#holdsSmallAnswersBack = holdsSmallAnswersBack;
  }

  async #attach(): Promise<Uuid> {
    const sessions = this.#sessions;
    try {
      return await sessions.attach();
    } catch (error) {
      // Only if it took one before: a server that takes no session at all has no room on any socket.
      if (isMethodRefused(error, 'attach') && sessions.size > 0) throw new TransportFullError(this, sessions.size);
      throw error;
    }
  }

  /** Ends it at the first sign that no further answer can come: the connection itself may end much later. */
  #lose(cause: SocketClosedError): void {
    if (this.#ended) return;
    this.#cause ??= cause;
    if (cause.isTooLarge) this.#engine.refusedForSize();
    this.#die();
    // Calls under way fail with it, without waiting for the end of the connection. Deferred, since the answer to a
    // close frame is still to be sent.
    setImmediate(() => this.terminate());
  }

  /** Closes the socket: a server that sends such an answer cannot be trusted with the next call. */
  #unreadable(method: string): ConnectionLostError {
    const error = new ConnectionLostError(
      `${this.endpoint} sent an invalid answer to "${method}"; the call may have been executed`,
      { outcome: 'unknown' },
    );
    const { socket } = this.#engine;
    if (socket !== undefined) {
      this.#cause ??= error;
      // At once, before the socket reports its end, so that no connection on it is lent meanwhile.
      this.#die();
      socket.terminate();
    }
    return error;
  }

  #die(): void {
    if (this.#ended) return;
    this.#ended = true;
    const cause = this.#cause ?? new Error('the connection was closed');
    for (const listener of [...this.#deathListeners]) listener(cause);
  }

  /**
   * Makes the error of a call that failed with the transport say whether it may have been executed. Answers of a server
   * are left unchanged.
   */
  #explain(error: unknown, call: SentCall): unknown {
    if (call.refused === 'malformed' || isUnreadByEngine(error))
      return malformedCall(this.endpoint, call.method, error);
    hideTexts(error);
    const cause = this.#cause ?? error;
    if (error instanceof ConnectionUnavailableError) {
      this.#cause ??= new Error('the other side is closing the socket');
      this.#die();
      return new ConnectionLostError(`"${call.method}" was not sent: the connection to ${this.endpoint} is gone`, {
        outcome: 'not-sent',
        cause,
      });
    }
    return error instanceof CallTerminatedError ? lostCall(this.endpoint, call, cause) : error;
  }
}

/** The server takes no further session on this socket, but may on another. */
export class TransportFullError extends Error {
  /** @param sessions how many sessions it took */
  constructor(
    readonly transport: Transport,
    readonly sessions: number,
  ) {
    super(`${transport.endpoint} takes no further session on this socket`);
  }
}
