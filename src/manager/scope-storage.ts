import { AsyncLocalStorage } from 'node:async_hooks';

/** The entered scope of each pool, by its storage. */
type Entered = ReadonlyMap<ScopeStorage<unknown>, unknown>;

/**
 * One AsyncLocalStorage for all pools, never disabled. Made on first use, since each one slows the process a little.
 */
let storage: AsyncLocalStorage<Entered> | undefined;

/** Knows in which scope of a pool the current code runs. Costs nothing until the first {@link ScopeStorage.run}. */
export class ScopeStorage<Scope> {
  #isUsed = false;
  /** Called before the first `run`. */
  onFirstUse: () => void = () => {};

  /** The current scope; undefined outside of any. */
  get current(): Scope | undefined {
    return this.#isUsed ? (storage?.getStore()?.get(this as ScopeStorage<unknown>) as Scope | undefined) : undefined;
  }

  /** Runs work, and everything it starts, in a scope. */
  run<T>(scope: Scope, work: () => T): T {
    if (!this.#isUsed) this.onFirstUse();
    this.#isUsed = true;
    storage ??= new AsyncLocalStorage();
    // A copy, not a chain: work that keeps entering a scope from a timer must not keep all earlier ones alive.
    const entered = new Map(storage.getStore());
    return storage.run(entered.set(this as ScopeStorage<unknown>, scope), work);
  }
}
