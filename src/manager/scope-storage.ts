import { AsyncLocalStorage } from 'node:async_hooks';

/** The scope of each pool that code runs in, by what holds it. */
type Entered = ReadonlyMap<ScopeStorage<unknown>, unknown>;

/** One for all pools, which is never taken down: made by the first use, since each one costs the process something. */
let storage: AsyncLocalStorage<Entered> | undefined;

/** Which scope of one pool the code runs in that is running now. Costs nothing until the first {@link ScopeStorage.run}. */
export class ScopeStorage<Scope> {
  #isUsed = false;
  /** Called before the first `run`. */
  onFirstUse: () => void = () => {};

  /** Undefined outside of all. */
  get current(): Scope | undefined {
    return this.#isUsed ? (storage?.getStore()?.get(this as ScopeStorage<unknown>) as Scope | undefined) : undefined;
  }

  /** Runs work in a scope, with all that it begins. */
  run<T>(scope: Scope, work: () => T): T {
    if (!this.#isUsed) this.onFirstUse();
    this.#isUsed = true;
    storage ??= new AsyncLocalStorage();
    // A copy, not a chain: work that enters a scope from a timer again and again must not hold all those before.
    const entered = new Map(storage.getStore());
    return storage.run(entered.set(this as ScopeStorage<unknown>, scope), work);
  }
}
