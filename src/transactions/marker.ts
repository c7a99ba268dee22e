import { RecordId, Uuid } from 'surrealdb';

/** The table of markers and fences, in each database where commits are verified. */
export const markerTable = 'surreal_pool_commit';

/**
 * An id for a marker. Ids sort by the clock of this process, so that old markers are found without reading the others.
 */
export function newMarker(): RecordId {
  return new RecordId(markerTable, Uuid.v7());
}
