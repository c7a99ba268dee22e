import { CborCodec } from 'surrealdb';
import { type Exchange, resultIn } from '../connection/tapped-codec.js';
import type { Replayability } from '../surrealql/verdict.js';
import type { ReplayedCall } from './replay-batches.js';
import type { TimeWindow } from './reply-comparison.js';

/** One call of a transaction, as it went over the wire: its text, its parameters and its reply. */
export class LoggedCall {
  readonly #exchange: Exchange;
  /** How many statements answered. */
  readonly statements: number;
  /** From the begin of the transaction to the reply, in milliseconds of this process (`performance.now()`). */
  readonly made: TimeWindow;

  constructor(exchange: Exchange, statements: number, made: TimeWindow) {
    this.#exchange = exchange;
    this.statements = statements;
    this.made = made;
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
      call: { text: params[0], bindings: params[1], replies: this.statements, bytes: request.length },
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

/** A place in the log, to which it can be cut back. */
export interface Mark {
  readonly length: number;
  /** How many calls had been sent by then that may have written. */
  readonly writes: number;
  /** Why what came before cannot be replayed; absent when it can. */
  readonly refusal: Refusal | undefined;
}

/** What only reads, for certain: a text that can be replayed and has none of these words in it, wherever. */
const writing = /\b(?:CREATE|UPSERT|UPDATE|DELETE|INSERT|RELATE)\b/i;

/**
 * The calls of a transaction, for as far as they can be replayed. From the first that cannot be on, nothing is kept: what
 * is behind it could not be reached.
 */
export class StatementLog {
  readonly #calls: LoggedCall[] = [];
  readonly #budget: number;
  #bytes = 0;
  #writes = 0;
  #refusal: Refusal | undefined;

  constructor(budget: number = logBudget) {
    this.#budget = budget;
  }

  mark(): Mark {
    return { length: this.#calls.length, writes: this.#writes, refusal: this.#refusal };
  }

  /** Whether a call that was sent since then may have written. */
  writtenSince(mark: Mark): boolean {
    return this.#writes > mark.writes;
  }

  /** Takes note of a call about to be sent. Says whether its exchange is wanted: not when it could not be reached. */
  note(text: string, call: Replayability): boolean {
    if (call.kind !== 'replayable' || writing.test(text)) this.#writes++;
    if (this.#refusal === undefined && call.kind !== 'replayable') this.#refusal = { ...call, kind: 'unsupported' };
    return this.#refusal === undefined;
  }

  /** Adds a call whose exchange was wanted, and none of whose statements failed. */
  add(exchange: Exchange, statements: number, made: TimeWindow): void {
    const call = new LoggedCall(exchange, statements, made);
    if (this.#refusal !== undefined) return;
    if (this.#bytes + call.bytes > this.#budget) {
      this.#refusal = { kind: 'limit', bytes: this.#bytes + call.bytes };
      return;
    }
    this.#bytes += call.bytes;
    this.#calls.push(call);
  }

  before(mark: Mark): readonly LoggedCall[] {
    return this.#calls.slice(0, mark.length);
  }

  /** Forgets what came after a mark, also why it could not have been replayed. */
  truncate(mark: Mark): void {
    for (const call of this.#calls.splice(mark.length)) this.#bytes -= call.bytes;
    this.#writes = mark.writes;
    this.#refusal = mark.refusal;
  }
}
