import { describe } from '../config/refusal.js';
import { UsageError } from '../errors/configuration.js';
import { ConnectionManager } from '../manager.js';

/** A pool, several, or a function that gives those that are there now: for pools that are made later. */
export type Pools =
  | ConnectionManager
  | readonly ConnectionManager[]
  | (() => ConnectionManager | readonly ConnectionManager[]);

/**
 * The pools that are there now, each once, the oldest first.
 * @throws UsageError for anything else than pools, and whatever the function of the caller throws
 */
export function poolsNow(pools: Pools): readonly ConnectionManager[] {
  const given: unknown = typeof pools === 'function' ? pools() : pools;
  const list = new Set(Array.isArray(given) ? (given as readonly unknown[]) : [given]);
  return [...list].map(asPool).sort((a, b) => idOf(a) - idOf(b));
}

/**
 * Refuses what can never give pools, so that the one who writes it hears of it, and not the one who asks later.
 * @throws UsageError
 */
export function requirePools(pools: Pools): void {
  if (typeof pools !== 'function') poolsNow(pools);
}

function asPool(given: unknown): ConnectionManager {
  if (given instanceof Promise) {
    throw new UsageError(`expected a pool, and was given ${describe(given)}: await createPool(url, options)`);
  }
  ConnectionManager.partsOf(given);
  return given as ConnectionManager;
}

const idOf = (pool: ConnectionManager): number => ConnectionManager.partsOf(pool).label.id;
