import type { ConnectionManager } from '../manager.js';
import { RecentChanges } from '../verdict/recent-changes.js';

const changes = new WeakMap<ConnectionManager, RecentChanges>();

/** What changed in a pool lately, from check to check; for as long as the pool is there. */
export function changesOf(pool: ConnectionManager): RecentChanges {
  const known = changes.get(pool) ?? new RecentChanges();
  changes.set(pool, known);
  return known;
}
