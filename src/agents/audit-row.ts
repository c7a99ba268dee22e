import { RecordId } from 'surrealdb';
import { normalisedStatements } from '../surrealql/normalised-statements.js';
import { hashOfCalls } from './canonical-calls.js';
import { newUlid } from './ulid.js';

/** A row of an audit table. */
export interface AuditRow {
  /** The id is a ULID, so that the rows of a table are sorted by time. */
  readonly id: RecordId;
  /** The id of the session. */
  readonly session: string;
  readonly agent: string;
  /** When the work began. */
  readonly at: Date;
  /** How long it took up to this row, in milliseconds. */
  readonly ms: number;
  /** Its statements, without any value. */
  readonly statements: readonly string[];
  /** See `hashOfCall`. */
  readonly writeHash: string;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  /** The kind of the error, when the work failed. */
  readonly error?: string;
}

/** What was done, as a row tells it. */
export interface AuditedWork {
  readonly table: string;
  readonly sessionId: string;
  readonly agentId: string;
  /** When it began, in milliseconds since 1970, and how long it took. */
  readonly at: number;
  readonly duration: number;
  readonly texts: readonly string[];
  readonly hashes: readonly Buffer[];
  readonly outcome: AuditRow['outcome'];
  readonly error?: string | undefined;
}

export function auditRow({ table, sessionId, agentId, texts, hashes, ...work }: AuditedWork): AuditRow {
  return {
    id: new RecordId(table, newUlid()),
    session: sessionId,
    agent: agentId,
    at: new Date(work.at),
    ms: Math.round(work.duration),
    statements: texts.flatMap((text) => normalisedStatements(text)),
    writeHash: hashOfCalls(hashes),
    outcome: work.outcome,
    ...(work.error === undefined ? {} : { error: work.error }),
  };
}
