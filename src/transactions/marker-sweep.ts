import { BoundExcluded, BoundIncluded, BoundQuery, type RecordId, RecordIdRange, Uuid } from 'surrealdb';
import type { Connection } from '../session/connection.js';
import { markerTable } from './marker.js';
import { plainQuery } from './plain-query.js';
import type { SpareConnections } from './spare-connection.js';

/** Markers are kept longer than their outcome may be asked for, and fences longer than a commit can be in flight. */
const markerLife = '1h';
const fenceLife = '6h';
/** How many records one step reads: few enough for a slow server and for one transaction. */
const pageSize = 2_000;
const hour = 60 * 60_000;

/** The result of one step. */
interface Page {
  readonly read: number;
  /** The id of the last record it read. */
  readonly last: RecordId | undefined;
}

/**
 * Deletes old markers and fences in steps; each step is a transaction with a deadline. Finished steps stay when a later
 * one fails or the pool is shut down. Two pools may sweep at once: if both delete the same records, the server refuses
 * one, and that pool leaves the rest to the other.
 *
 * Only the time written by the server decides. The ids sort by the clock of the process that made them, and only tell
 * where to look:
 *
 *     numbers, texts │ old ids ······ an hour ago ······ now ······ tomorrow │ random ids of older versions, wrong clocks
 *     └─────────── looked at ────────────┘                                   └────────────── looked at ─────────────────┘
 */
export async function sweepMarkers(spares: SpareConnections, connection: Connection): Promise<void> {
  const letGo = spares.hold(connection);
  try {
    const now = await runStep(spares, connection, new BoundQuery('RETURN time::unix(time::now())'));
    const time = Number(now) * 1_000;
    await sweepRange(spares, connection, undefined, idAt(time - hour));
    await sweepRange(spares, connection, idAt(time + 24 * hour), undefined);
  } finally {
    letGo();
  }
}

async function sweepRange(
  spares: SpareConnections,
  connection: Connection,
  from: Uuid | undefined,
  to: Uuid | undefined,
): Promise<void> {
  const end = to && new BoundIncluded(to);
  let begin: RecordIdRange['begin'] = from && new BoundExcluded(from);
  for (;;) {
    const range = new RecordIdRange(markerTable, begin, end);
    const page = (await runStep(spares, connection, deletion(range))) as Page;
    if (page.read < pageSize || page.last === undefined) return;
    begin = new BoundExcluded(page.last.id);
  }
}

function deletion(range: RecordIdRange): BoundQuery {
  return new BoundQuery(
    `{
       LET $page = SELECT id, at, state FROM $range LIMIT ${pageSize};
       LET $old = $page[WHERE at < time::now() - ${fenceLife} OR (state = 'committed' AND at < time::now() - ${markerLife})].id;
       DELETE $old RETURN NONE;
       RETURN { read: $page.len(), last: $page.last().id };
     }`,
    { range },
  );
}

function runStep(spares: SpareConnections, connection: Connection, query: BoundQuery): Promise<unknown> {
  return spares.run(`sweeping the table ${markerTable}`, connection, undefined, (spare) => plainQuery(spare, query));
}

/** The least id that a process with a right clock makes at this time, in milliseconds. */
function idAt(time: number): Uuid {
  const digits = time.toString(16).padStart(12, '0');
  return new Uuid(`${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`);
}
