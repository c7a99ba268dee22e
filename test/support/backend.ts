import type { RpcCall, RpcOutcome } from './rpc-wire.js';

/** Where a query beside all fronts runs. */
export interface Place {
  readonly namespace: string;
  readonly database: string;
}

export interface ServiceOptions {
  /** Whether queries of sessions that never signed in are refused. */
  readonly auth: boolean;
  /** Gets the frames that come without having been asked for: those of the live queries made over this socket. */
  readonly notify: (frame: Uint8Array) => void;
  /** Called when the service is over before it was closed. */
  readonly ended: () => void;
}

/** What a server does for one socket. */
export interface Service {
  /** Executes one call; rejects only when the server itself is gone. */
  execute(call: RpcCall): Promise<RpcOutcome>;
  /** What a server does when a socket is gone: nothing of it stays. */
  close(): Promise<void>;
}

/** What fronts serve: an embedded engine, or a real server. */
export interface Backend {
  serve(options: ServiceOptions): Service;
  /**
   * Runs a query beside all fronts, to prepare a test or to see what is really stored. It gives the result of each
   * statement and throws the first error.
   */
  query(text: string, place?: Place, bindings?: Record<string, unknown>): Promise<unknown[]>;
  close(): Promise<void>;
}
