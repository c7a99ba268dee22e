/**
 * Finds the calls whose message the server could not read. The server says so once for each, without the number of the
 * call, so it may be any call under way. A call that is answered was read; when as many calls are left as the server
 * could not read, it is these.
 */
export class UnreadRequests {
  readonly #candidates = new Set<string>();
  #unread = 0;

  /**
   * The server could not read a message.
   * @param underWay the calls that have no answer
   * @returns the calls now known to be unread
   */
  told(underWay: Iterable<string>): string[] {
    this.#unread++;
    for (const id of underWay) this.#candidates.add(id);
    return this.#found();
  }

  /**
   * A call was answered.
   * @returns the calls now known to be unread
   */
  answered(id: string): string[] {
    return this.#candidates.delete(id) ? this.#found() : [];
  }

  #found(): string[] {
    if (this.#candidates.size > this.#unread) return [];
    const found = [...this.#candidates];
    this.#candidates.clear();
    this.#unread = 0;
    return found;
  }
}
