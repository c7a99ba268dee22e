/** How long one spoke of the wheel lasts, in milliseconds. */
const spoke = 1000;

interface Expiring {
  readonly expiresAt: number;
}

/**
 * Members by expiry time, in spokes of one second, so that a sweep looks only at those that are due and costs the same
 * for ten connections and for ten thousand. A member is returned at most one second late.
 */
export class ExpiryWheel<T extends Expiring> {
  readonly #spokes = new Map<number, Set<T>>();
  #next: number;

  constructor(now: number) {
    this.#next = Math.floor(now / spoke);
  }

  add(member: T): void {
    if (member.expiresAt === Number.POSITIVE_INFINITY) return;
    const index = Math.max(Math.floor(member.expiresAt / spoke), this.#next);
    const members = this.#spokes.get(index);
    if (members === undefined) this.#spokes.set(index, new Set([member]));
    else members.add(member);
  }

  /** Removes a member early. No-op if it has expired or has no expiry. */
  remove(member: T): void {
    const index = Math.floor(member.expiresAt / spoke);
    const members = this.#spokes.get(index);
    if (members?.delete(member) && members.size === 0) this.#spokes.delete(index);
  }

  /** Removes and returns the members of every spoke that is wholly past. */
  takeExpired(now: number): T[] {
    const expired: T[] = [];
    for (const current = Math.floor(now / spoke); this.#next < current; this.#next++) {
      const members = this.#spokes.get(this.#next);
      if (members === undefined) continue;
      expired.push(...members);
      this.#spokes.delete(this.#next);
    }
    return expired;
  }
}
