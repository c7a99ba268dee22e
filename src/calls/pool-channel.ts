import {
  type BoundQuery,
  Features,
  type QueryChunk,
  type RetryOptions,
  type Session,
  type VersionInfo,
} from 'surrealdb';
import type { Asked } from '../errors/asked.js';
import { UsageError } from '../errors/configuration.js';
import type { CallOutcome } from '../errors/pool-error.js';
import { isConflict } from '../errors/server-errors.js';
import type { Lease } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { anonymous, type ConnectionIdentity } from '../session/identity.js';
import { refuseStatements } from '../surrealql/refused-statements.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import type { QueryJournal } from '../telemetry/query-journal.js';
import { type RetryRules, withRetry } from '../time/retry.js';
import type { Answer } from '../wire/answer.js';
import type { ExportContent } from '../wire/export-requests.js';
import type { Batches } from './batch.js';
import { Call } from './call.js';
import { Chunks } from './chunks.js';
import { exportPermit } from './export-permit.js';
import type { Exports } from './exports.js';
import { LeaseChannel } from './lease-channel.js';
import { type Admission, admitted, settled } from './ledger.js';
import type { CallLimits } from './limits.js';
import { conflictRetry, type Feature, type QueryChannel } from './query-channel.js';

/** How many attempts of a call may meet a closing connection, and send nothing, without being counted. */
export const unsentAttempts = 10;
/** After this many of these, only a connection that has answered since is taken. */
const unsentBeforeProof = 3;

/**
 * Borrows a connection for one call. `fresh`: only one opened from now on; `joins`: the call may share a message with
 * others; `alone`: it shares the connection with no other call.
 */
export type Borrow = (how: {
  readonly fresh: boolean;
  readonly joins: boolean;
  readonly alone?: boolean;
}) => Promise<Lease<Connection>>;

/**
 * The channel of queries made from the pool itself: each call borrows a connection and gives it back with the answer.
 */
export class PoolChannel implements QueryChannel {
  readonly retry: RetryOptions = conflictRetry;
  readonly status = 'connected';
  readonly #acquire: Borrow;
  readonly #journal: QueryJournal;
  readonly #identity: () => ConnectionIdentity;
  readonly #limits: CallLimits;
  readonly #batches: Batches;
  readonly #exports: Exports;
  readonly #retryRules: RetryRules<{ readonly onlyReads: boolean }>;

  constructor(
    acquire: Borrow,
    journal: QueryJournal,
    identity: () => ConnectionIdentity,
    limits: CallLimits,
    batches: Batches,
    exports: Exports,
    retryRules: RetryRules<{ readonly onlyReads: boolean }>,
  ) {
    this.#acquire = acquire;
    this.#journal = journal;
    this.#identity = identity;
    this.#limits = limits;
    this.#batches = batches;
    this.#exports = exports;
    this.#retryRules = retryRules;
  }

  async ready(): Promise<void> {}

  query<T>(query: BoundQuery, _session: Session): AsyncIterable<QueryChunk<T>> {
    const call = Call.of(query, this.#limits.ledger?.judgesValues);
    return new Chunks(
      () => this.#answer(call),
      () => this.#asked(call),
    );
  }

  async #answer(call: Call): Promise<Answer> {
    refuseStatements(call.surrealText, 'pool');
    const { ledger } = this.#limits;
    if (ledger === undefined) return await this.#send(call);
    return await admitted(ledger, call, true, (admittedCall, admission) => this.#send(admittedCall, admission));
  }

  async #send(call: Call, admission?: Admission): Promise<Answer> {
    try {
      // The whole answer comes in one message: a caller that reads it slowly, or not to its end, holds no connection.
      return await withRetry((attempt, unsent) => this.#ask(call, attempt, unsent, admission), this.#retryRules, call);
    } catch (error) {
      if (error instanceof NothingApplied) return error.chunks;
      throw error;
    }
  }

  /** What a failed call asked for. */
  #asked({ text, connection }: Call): Asked {
    const { namespace, database, signIn } = this.#identity();
    return {
      pool: this.#journal.label.name,
      statement: shownStatement(text),
      ...(connection === undefined ? {} : { connection }),
      ...{ namespace, database, user: signIn?.who ?? anonymous },
    };
  }

  async #ask(call: Call, attempt: number, unsent: number, admission?: Admission): Promise<Answer> {
    const { counters, texts } = this.#batches;
    const fresh = unsent >= unsentBeforeProof;
    if (admission?.instead !== undefined) return await this.#askInstead(call, fresh, admission.instead);
    // A shared message has one reply, in which the size of one answer cannot be told.
    const joins = admission?.size === undefined && texts.mayJoin(call);
    const lease = await this.#acquire({ fresh, joins });
    call.connection = lease.id;
    counters.began();
    try {
      const batch = this.#batches.of(lease.seat);
      if (batch === undefined) counters.count(1);
      const chunks = await new LeaseChannel(lease, this.#journal, this.#limits).send(
        attempt === 1 ? call : call.again(),
        batch,
      );
      texts.answered(call, chunks);
      // The guard read the text before it was sent, so the server found a LIVE that the pool did not see.
      if (chunks.some(({ type }) => type === 'live')) throw liveNeedsLease('unknown');
      if (chunks.every(({ error }) => error !== undefined)) {
        const conflict = chunks.find(({ error }) => isConflict(error))?.error;
        if (conflict !== undefined) throw new NothingApplied(chunks, conflict);
      }
      return chunks;
    } finally {
      counters.ended();
      lease.release();
    }
  }

  async #askInstead(call: Call, fresh: boolean, instead: NonNullable<Admission['instead']>): Promise<Answer> {
    const lease = await this.#acquire({ fresh, joins: false, alone: true });
    call.connection = lease.id;
    try {
      return await instead(call, new LeaseChannel(lease, this.#journal, this.#limits));
    } finally {
      lease.release();
    }
  }

  /** Borrows a connection to find out the user, then runs without one; repeated until it has begun. */
  async exportSql(content: ExportContent): Promise<Response> {
    const admission = this.#limits.ledger?.admitOther('export');
    return await settled(admission, this.#export(content));
  }

  #export(content: ExportContent): Promise<Response> {
    return withRetry(
      async (_, unsent) => {
        const permit = await this.#lent(unsent >= unsentBeforeProof, (channel) => exportPermit(channel, content));
        return await this.#exports.begin(permit, this.#limits, this.#limits.ledger?.exporting());
      },
      this.#retryRules,
      reading,
    );
  }

  async version(): Promise<VersionInfo> {
    return await withRetry(
      (_, unsent) => this.#lent(unsent >= unsentBeforeProof, (channel) => channel.version()),
      this.#retryRules,
      reading,
    );
  }

  async #lent<T>(fresh: boolean, work: (channel: LeaseChannel) => Promise<T>): Promise<T> {
    const counted = this.#limits.ledger?.admitConnection();
    try {
      const lease = await this.#acquire({ fresh, joins: false });
      try {
        return await work(new LeaseChannel(lease, this.#journal, this.#limits));
      } finally {
        lease.release();
      }
    } finally {
      counted?.();
    }
  }

  liveQuery(): never {
    throw liveNeedsLease();
  }

  /** Refuses live queries. Other features are left to the server: the connection for the call is not known yet. */
  assertFeature(feature: Feature): void {
    if (feature === Features.LiveQueries) throw liveNeedsLease();
  }

  hasSession(): boolean {
    return true;
  }

  subscribe(): () => void {
    return () => {};
  }

  propagateError(): void {}
}

/** A call that only reads, for the retry rules. */
const reading = { onlyReads: true };

/**
 * The server refused every statement, one of them because of a concurrent transaction, so all of it may be sent again.
 */
class NothingApplied extends Error {
  constructor(
    readonly chunks: Answer,
    cause: Error,
  ) {
    super('nothing was applied', { cause });
  }
}

function liveNeedsLease(outcome: CallOutcome = 'not-sent'): UsageError {
  return new UsageError(
    'a live query needs a connection of its own for as long as it runs: acquire() one and call live() on it',
    { outcome },
  );
}
