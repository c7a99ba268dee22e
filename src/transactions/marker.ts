import { RecordId, Uuid } from 'surrealdb';

/** The table of markers and fences, in each database where commits are verified. */
export const markerTable = 'surreal_pool_commit';

/** An id for a marker. It sorts by the time of this process, so that old markers are found without a look at the others. */
export function newMarker(): RecordId {
  return new RecordId(markerTable, Uuid.v7());
}
