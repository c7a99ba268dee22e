import type { BoundQuery } from 'surrealdb';
import { replayability } from '../surrealql/replayability.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import { newIdReason, type Replayability } from '../surrealql/verdict.js';
import { pinIds, Unpinnable } from './pinned-ids.js';

/** What is to be sent for a call, and whether that can be replayed. */
export interface PreparedCall {
  readonly query: BoundQuery;
  readonly replayability: Replayability;
}

/** Makes a call replayable where that only takes ids given beforehand; else leaves it as it is. */
export function prepareCall(query: BoundQuery): PreparedCall {
  const asGiven = replayability(new SurrealText(query.query), query.bindings);
  if (asGiven.kind !== 'impure') return { query, replayability: asGiven };
  const pinned = pinIds(query);
  if (pinned instanceof Unpinnable) {
    const reason = asGiven.reason === newIdReason ? `${newIdReason}, and ${pinned.reason}` : asGiven.reason;
    return { query, replayability: { ...asGiven, reason } };
  }
  const withIds = replayability(new SurrealText(pinned.query), pinned.bindings);
  return withIds.kind === 'replayable' ? { query: pinned, replayability: withIds } : { query, replayability: asGiven };
}
