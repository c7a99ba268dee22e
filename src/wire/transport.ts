import { randomUUID } from 'node:crypto';
import {
  type AccessRecordAuth,
  type AnyAuth,
  CallTerminatedError,
  type CodecOptions,
  type ConnectionSession,
  type ConnectionState,
  ConnectionUnavailableError,
  type Features,
  type LiveMessage,
  type RpcQueryResult,
  type Tokens,
  Uuid,
} from 'surrealdb';
import { withoutQuery } from '../config/address.js';
import { ConnectionLostError } from '../errors/call.js';
import { ConnectError } from '../errors/connect.js';
import { hideTexts } from '../errors/parse-error-text.js';
import { isMethodRefused } from '../errors/server-errors.js';
import type { SocketClosedError } from '../errors/socket-closed.js';
import { onAbort } from '../time/on-abort.js';
import { type Answer, answerOf } from './answer.js';
import { type CreateEngine, Engine, engineFor, type SentCall } from './engine.js';
import { EmbeddedExports, type ExportRequest, requestExport } from './export-requests.js';
import { Liveness, type LivenessSettings } from './liveness.js';
import { isUnreadByEngine, lostCall, malformedCall } from './lost-call.js';
import { connectFailure } from './opening-failure.js';
import type { EncodedBindings, Recording } from './recording-codec.js';

/** A text with its parameters, as values or encoded already. */
export interface Statement {
  readonly query: string;
  readonly bindings: Readonly<Record<string, unknown>> | EncodedBindings;
}

/** What a socket goes by, in milliseconds. */
export interface SocketSettings extends LivenessSettings {
  /** How long the handshake may take. */
  readonly openTimeout: number;
}

/** The oldest server with sessions, which every pooled connection is. */
const oldestServer = 3;

/**
 * One WebSocket to a server, or one embedded engine. It carries sessions and calls, and dies once: as soon as no answer
 * can come any more. Then every call in flight fails, saying whether it can have been executed, and every listener of
 * {@link Transport.onDeath} is told why.
 */
export class Transport {
  /** The address as it may be shown: without what follows a question mark. */
  readonly endpoint: string;
  readonly #url: string;
  readonly #engine: Engine;
  readonly #liveness: Liveness;
  #exports: EmbeddedExports | undefined;
  readonly #sessions = new Map<Uuid, ConnectionSession>();
  /** An embedded engine on which an index was defined keeps its threads after `close()`, and the process with them. */
  definedIndex = false;
  /** Made while the server was asked for its version, for the first caller of {@link Transport.attach}. */
  #firstSession: Uuid | undefined;
  #version: Promise<string> | undefined;
  #holdsSmallAnswersBack = false;
  readonly #deathListeners = new Set<(cause: Error) => void>();
  #ended = false;
  /** Ends the wait for an embedded engine to open, which cannot be told to stop. */
  #stopWaiting: (() => void) | undefined;
  #cause: Error | undefined;

  private constructor(url: string, createEngine: CreateEngine, settings: SocketSettings, codec: CodecOptions) {
    this.#url = url;
    this.endpoint = withoutQuery(url);
    this.#liveness = new Liveness(settings, (cause) => {
      this.#cause ??= cause;
      // Not `terminate()`: nobody asked for this end, so its listeners are told.
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
  }

  /**
   * Opens a transport.
   * @param signal Aborted when the time for it is over.
   * @throws ConnectError
   */
  static async open(
    url: string,
    settings: SocketSettings,
    signal: AbortSignal,
    codec: CodecOptions = {},
  ): Promise<Transport> {
    const createEngine = await engineFor(url);
    const transport = new Transport(url, createEngine, settings, codec);
    // Whatever it waits for, it stops waiting for when the transport ends.
    const forgetSignal = onAbort(signal, () => transport.terminate());
    try {
      signal.throwIfAborted();
      await transport.#connect();
      if (transport.#engine.socket !== undefined) await transport.#greet();
    } catch (failure) {
      transport.terminate();
      if (failure instanceof ConnectError) throw failure;
      throw connectFailure(url, signal.aborted ? signal.reason : (transport.#cause ?? failure));
    } finally {
      forgetSignal();
    }
    return transport;
  }

  /** True from the moment it cannot carry a call any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Whether the server waits for an acknowledgement before it sends another small answer on a socket, up to 40 ms: those
   * before 3.2 do (`TCP_NODELAY` is not set there).
   */
  get holdsSmallAnswersBack(): boolean {
    return this.#holdsSmallAnswersBack;
  }

  /** Calls back once, when it ends without having been asked to. Returns what removes the listener. */
  onDeath(listener: (cause: Error) => void): () => void {
    this.#deathListeners.add(listener);
    return () => this.#deathListeners.delete(listener);
  }

  /**
   * Makes a session: nothing chosen, nobody signed in.
   * @throws TransportFullError when the server takes no further session on this socket
   */
  async attach(): Promise<Uuid> {
    const first = this.#firstSession;
    this.#firstSession = undefined;
    return first ?? (await this.#attach());
  }

  async detach(session: Uuid): Promise<void> {
    this.#sessions.delete(session);
    await this.#engine.sdk.detach(session);
  }

  supports(feature: (typeof Features)[keyof typeof Features]): boolean {
    const { features } = this.#engine.sdk;
    // By name as well: bundled into a program, the SDK is another copy than the one that the embedded engine imports.
    return features.has(feature) || [...features].some(({ name }) => name === feature.name);
  }

  /** Chooses namespace and database; both, since a server may not bear one without the other. */
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

  /** @param recording where the request and its reply are kept, as they are on the wire */
  async query(query: Statement, session: Uuid, transaction?: Uuid, recording?: Recording): Promise<Answer> {
    const engine = this.#engine;
    if (engine.socket === undefined && !this.definedIndex) {
      this.definedIndex = /\bDEFINE\s+INDEX\b/i.test(query.query);
    }
    const params = [query.query, query.bindings];
    const method = 'query';
    const request =
      transaction === undefined ? { method, params, session } : { method, params, session, txn: transaction };
    return answerOf(await engine.send<RpcQueryResult[]>(request, recording));
  }

  liveQuery(id: Uuid): AsyncIterable<LiveMessage> {
    return this.#engine.sdk.liveQuery(id);
  }

  /** Asks for the record of the user who is signed in: a call that every session may make that may query at all. */
  async info(session: Uuid): Promise<void> {
    await this.#engine.sdk.send({ method: 'info', params: [], session });
  }

  /** What the server says it is: `surrealdb-3.0.5`. */
  version(): Promise<string> {
    this.#version ??= this.#engine.sdk.version().then(({ version }) => version);
    return this.#version;
  }

  /** Whether the database is in this process: an engine that takes each session for one that may do everything. */
  get isEmbedded(): boolean {
    return this.#engine.socket === undefined;
  }

  /** Asks for a database as a text, beside the sessions; an embedded engine does not look at who asks. */
  export(request: ExportRequest, signal: AbortSignal): Promise<Response> {
    if (!this.isEmbedded) return requestExport(this.#url, request, signal);
    this.#exports ??= new EmbeddedExports(this.#engine.sdk);
    return this.#exports.run(request, signal);
  }

  /** Ends it in good order: a socket says goodbye, an engine is freed. By force once `signal` is aborted. */
  async close(signal: AbortSignal): Promise<void> {
    this.#ended = true;
    const forgetSignal = onAbort(signal, () => this.terminate());
    try {
      await this.#engine.sdk.close();
    } finally {
      forgetSignal();
    }
  }

  /** Ends it at once, without waiting for anybody. Calls in flight fail. */
  terminate(): void {
    this.#ended = true;
    const { socket, sdk } = this.#engine;
    if (socket !== undefined) socket.terminate();
    // The engine forgets an opening that is closed, though it goes on and holds the files: it is closed once it is open.
    else if (this.#stopWaiting !== undefined) this.#stopWaiting();
    else sdk.close().catch(() => {});
  }

  #connect(): Promise<void> {
    // The SDK wants its own reconnect object here; ours says no to everything.
    const reconnect = { enabled: false, allowed: false, reset() {}, propagate() {}, iterate: async () => {} };
    const state = {
      url: new URL(this.#url),
      reconnect,
      retry: { enabled: false },
      rootSession: { variables: {} },
      sessions: this.#sessions,
    } as unknown as ConnectionState;
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
      sdk.open(state);
    });
  }

  /** Asks for the version, and in the same round trip for a first session. */
  async #greet(): Promise<void> {
    const attaching = this.#attach();
    // A server that is too old refuses it; its version says why.
    attaching.catch(() => {});
    const version = await this.version();
    const [, major, minor] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
    this.#holdsSmallAnswersBack = major === 3 && Number(minor) < 2;
    if (!(Number(major) >= oldestServer)) {
      throw new ConnectError(
        `${this.endpoint} runs ${version}; pooled connections are sessions, which SurrealDB has since ${oldestServer}.0`,
        { endpoint: this.endpoint, fatal: true },
      );
    }
    this.#firstSession = await attaching;
  }

  async #attach(): Promise<Uuid> {
    // Not Uuid.v4(): where a test runs in a realm of its own, as in Jest, the SDK cannot encode what that makes.
    const session = new Uuid(randomUUID());
    // The SDK's engine looks up the session of a call.
    this.#sessions.set(session, {
      id: session,
      namespace: undefined,
      database: undefined,
      accessToken: undefined,
      refreshToken: undefined,
      variables: {},
      authRenewal: undefined,
      authOverriden: true,
    });
    try {
      await this.#engine.sdk.attach(session);
    } catch (error) {
      this.#sessions.delete(session);
      // A server that does not even take one session has no room on any socket.
      if (isMethodRefused(error, 'attach') && this.#sessions.size > 0)
        throw new TransportFullError(this, this.#sessions.size);
      throw error;
    }
    return session;
  }

  /** Ends it with the first sign that no answer can come any more: the end of the connection itself may be far. */
  #lose(cause: SocketClosedError): void {
    if (this.#ended) return;
    this.#cause ??= cause;
    if (cause.isTooLarge) this.#engine.refusedForSize();
    this.#die();
    // The calls under way fail with it, and need not wait for the end of the connection. Not at once, since the answer to a
    // close frame is still to be sent.
    setImmediate(() => this.terminate());
  }

  /** A server that sends such an answer cannot be trusted with the next call: the socket ends with it. */
  #unreadable(method: string): ConnectionLostError {
    const error = new ConnectionLostError(
      `${this.endpoint} answered "${method}" with something that is no answer; it may have been executed`,
      { outcome: 'unknown' },
    );
    const { socket } = this.#engine;
    if (socket !== undefined) {
      this.#cause ??= error;
      // At once, before the socket tells of its end: no connection on it is lent meanwhile.
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

  /** A call that failed with the transport says whether it can have been executed; what a server answers stays as it is. */
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

/** The server takes no further session on this socket, and on another it may. */
export class TransportFullError extends Error {
  /** @param sessions how many it took */
  constructor(
    readonly transport: Transport,
    readonly sessions: number,
  ) {
    super(`${transport.endpoint} takes no further session on this socket`);
  }
}
