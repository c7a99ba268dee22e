/** The least that can be called a pool: no timeout, no state, no count. What it costs is what any pool costs. */
export class BarePool {
  /** @type {object[]} */
  #idle;
  /** @type {((resource: object) => void)[]} */
  #waiters = [];
  #served = 0;

  /** @param {number} size */
  constructor(size) {
    this.#idle = Array.from({ length: size }, () => ({}));
  }

  /** @returns {Promise<object>} */
  acquire() {
    const resource = this.#idle.pop();
    if (resource !== undefined) return Promise.resolve(resource);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** @param {object} resource */
  release(resource) {
    const next = this.#waiters[this.#served];
    if (next === undefined) {
      this.#idle.push(resource);
      return;
    }
    this.#served++;
    // An array with an index into it: taking its first member off costs as much as it is long.
    if (this.#served > 1024 && this.#served * 2 > this.#waiters.length) {
      this.#waiters = this.#waiters.slice(this.#served);
      this.#served = 0;
    }
    next(resource);
  }
}
