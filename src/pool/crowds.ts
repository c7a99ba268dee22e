import type { Place } from './linked-list.js';
import { ListsByKey } from './lists-by-key.js';
import type { Tenant } from './tenant.js';

/** The tenants by how many waiters of their own they have, so that the largest is found at once. */
export class Crowds {
  readonly #bySize = new ListsByKey<number, Place<Tenant>>();
  #largest = 0;

  /** The tenant with the most waiters; undefined when nobody waits. */
  get largest(): Tenant | undefined {
    return this.#largest === 0 ? undefined : this.#bySize.find(this.#largest)?.first?.owner;
  }

  /** A tenant has one waiter more, or one less. */
  changed(tenant: Tenant, by: 1 | -1): void {
    const size = tenant.queue.length;
    if (size - by > 0) this.#bySize.remove(size - by, tenant.crowd);
    if (size > 0) this.#bySize.of(size).append(tenant.crowd);
    // One step is enough: the tenant itself is among those of the new size.
    if (by === 1) this.#largest = Math.max(this.#largest, size);
    else if (size + 1 === this.#largest && !this.#bySize.find(size + 1)?.length) this.#largest = size;
  }
}
