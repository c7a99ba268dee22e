import { ConnectionManager } from '../manager.js';

/**
 * Names of pools in metrics: two pools of one name would make two series that cannot be told apart. The first keeps its name,
 * the next ones are called `app/main (2)` and so on, for as long as they are here.
 */
export class PoolNames {
  readonly #byPool = new Map<number, string>();

  /** The name of a pool: the same at each call. */
  of(manager: ConnectionManager): string {
    const { id, name } = ConnectionManager.partsOf(manager).label;
    const known = this.#byPool.get(id);
    if (known !== undefined) return known;
    const taken = new Set(this.#byPool.values());
    let free = name;
    for (let count = 2; taken.has(free); count++) free = `${name} (${count})`;
    this.#byPool.set(id, free);
    return free;
  }

  /** A pool that is no longer shown: its name is free again. */
  forget(manager: ConnectionManager): void {
    this.#byPool.delete(ConnectionManager.partsOf(manager).label.id);
  }
}
