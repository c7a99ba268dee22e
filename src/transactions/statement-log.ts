import { CborCodec } from 'surrealdb';
import { type Exchange, resultIn } from '../connection/tapped-codec.js';
import type { ReplayedCall } from './replay-batches.js';
import type { Replayability } from './replayability.js';

/** One call of a transaction, as it went over the wire: its text, its parameters and its reply. */
export class LoggedCall {
  readonly #exchange: Exchange;
  /** When its reply was there, in milliseconds since 1970. */
  readonly endedAt: number;

  constructor(exchange: Exchange, endedAt: number) {
    this.#exchange = exchange;
    this.endedAt = endedAt;
  }

  get bytes(): number {
    return this.#exchange.request.length + this.#exchange.reply.length;
  }

  /** The call as it was sent, and what each of its statements gave. Decoded at each asking: hardly any entry ever is. */
  read(): { readonly call: ReplayedCall; readonly results: readonly unknown[] } {
    const { request, reply } = this.#exchange;
    const { params } = CborCodec.DEFAULT.decode<{ params: [string, Record<string, unknown>] }>(request);
    // None has failed: a failure is never in what can be replayed.
    const replies = resultIn(CborCodec.DEFAULT.decode(reply)) as { result: unknown }[];
    return {
      call: { text: params[0], bindings: params[1], replies: replies.length, bytes: request.length },
      results: replies.map(({ result }) => result),
    };
  }
}

/** Why nothing can be replayed any more. */
export type Refusal =
  | { readonly kind: 'unsupported'; readonly culprit: string; readonly reason: string }
  | { readonly kind: 'limit'; readonly bytes: number };

/** What the log of one transaction may hold: 4 MiB. */
export const logBudget: number = 4 * 1024 * 1024;
/** How many statements one transaction may replay. */
export const replayBudget: number = 10_000;

/**
 * The calls of a transaction, for as far as they can be replayed. From the first that cannot be on, nothing is kept: what
 * is behind it could not be reached.
 */
export class StatementLog {
  readonly #calls: LoggedCall[] = [];
  readonly #budget: number;
  #bytes = 0;
  #refusal: Refusal | undefined;

  constructor(budget: number = logBudget) {
    this.#budget = budget;
  }

  /** Where a savepoint would be now. */
  get length(): number {
    return this.#calls.length;
  }

  /** Why a savepoint made now could not be rolled back to; absent when it can. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Takes note of a call about to be sent. Says whether its exchange is wanted: not when it could not be reached. */
  note(call: Replayability): boolean {
    if (this.#refusal === undefined && call.kind !== 'replayable') this.#refusal = { ...call, kind: 'unsupported' };
    return this.#refusal === undefined;
  }

  add(exchange: Exchange, endedAt: number): void {
    const call = new LoggedCall(exchange, endedAt);
    if (this.#refusal !== undefined) return;
    if (this.#bytes + call.bytes > this.#budget) {
      this.#refusal = { kind: 'limit', bytes: this.#bytes + call.bytes };
      return;
    }
    this.#bytes += call.bytes;
    this.#calls.push(call);
  }

  /** The calls before a savepoint. */
  before(length: number): readonly LoggedCall[] {
    return this.#calls.slice(0, length);
  }

  /** Forgets what came after a savepoint, also why it could not have been replayed. */
  truncate(length: number): void {
    for (const call of this.#calls.splice(length)) this.#bytes -= call.bytes;
    this.#refusal = undefined;
  }
}
