import type { BoundQuery } from 'surrealdb';
import { pinIds, Unpinnable } from './pinned-ids.js';
import { newIdReason, type Replayability, replayability } from './replayability.js';

/** What is to be sent for a call, and whether that can be replayed. */
export interface PreparedCall {
  readonly query: BoundQuery;
  readonly replayability: Replayability;
}

/** Makes a call replayable where that only takes ids given beforehand; else leaves it as it is. */
export function prepareCall(query: BoundQuery): PreparedCall {
  const asGiven = replayability(query);
  if (asGiven.kind !== 'impure') return { query, replayability: asGiven };
  const pinned = pinIds(query);
  if (pinned instanceof Unpinnable) {
    const reason = asGiven.reason === newIdReason ? `${newIdReason}, and ${pinned.reason}` : asGiven.reason;
    return { query, replayability: { ...asGiven, reason } };
  }
  const withIds = replayability(pinned);
  return withIds.kind === 'replayable' ? { query: pinned, replayability: withIds } : { query, replayability: asGiven };
}
