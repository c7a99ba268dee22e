import { type Linked, LinkedList } from './linked-list.js';

/** A linked list for each key that has members. An empty list may be dropped. */
export class ListsByKey<K, T extends Linked<T>> {
  readonly #lists = new Map<K, LinkedList<T>>();
  /** The list asked for last. It is nearly always the next one too, which saves the map lookup. */
  #key: K | undefined;
  #list: LinkedList<T> = new LinkedList();

  /** The list of this key, made if missing. */
  of(key: K): LinkedList<T> {
    const found = this.find(key);
    if (found !== undefined) return found;
    const list = new LinkedList<T>();
    this.#lists.set(key, list);
    return list;
  }

  find(key: K): LinkedList<T> | undefined {
    if (key === this.#key) return this.#list;
    const list = this.#lists.get(key);
    if (list === undefined) return undefined;
    this.#key = key;
    this.#list = list;
    return list;
  }

  /**
   * Removes a member from the list of its key. An empty list is dropped, unless it is the only one: that one is kept
   * for the next member.
   */
  remove(key: K, member: T): void {
    const list = this.of(key);
    list.remove(member);
    if (list.length === 0 && this.#lists.size > 1) this.drop(key);
  }

  drop(key: K): void {
    this.#lists.delete(key);
    if (key === this.#key) this.#key = undefined;
  }

  /** A copy of the lists. */
  get all(): readonly LinkedList<T>[] {
    return [...this.#lists.values()];
  }
}
