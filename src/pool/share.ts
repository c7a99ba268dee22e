/**
 * What one competitor has used of the connections, and what it may use. A {@link FairQueue} serves the share that is due
 * first. It is due at a virtual time that grows with its use: by the time its connections were lent, divided by its
 * weight. A connection still lent counts as what such a lease usually takes, or as the time so far if that is more; so
 * a burst cannot take every connection before its first bill, and holding one for ever costs.
 *
 * Virtual times by weight are start-time fair queueing (Goyal, Vin and Cheng, 1996), here charged after the fact.
 */
export class Share {
  #weight = 1;
  #cap: number = Number.POSITIVE_INFINITY;
  #reserve = 0;
  #inUse = 0;
  /** Waiters passed over by the present walk: each counts as a lease until the walk ends. */
  #passed = 0;
  #passedTime = 0;
  /** The virtual time of its finished leases. */
  #base = 0;
  /** The portions of a connection that its leases have, in all, and the same multiplied by when they began. */
  #portions = 0;
  #begun = 0;
  /** What its open leases usually take, in milliseconds. */
  #promised = 0;

  // The place in its queue; only the queue writes these.
  /** Where it is in the heap; -1 when it is not listed. */
  position = -1;
  /** The virtual time at which the queue last saw it due. */
  key = 0;
  /** Decides between shares that are due at the same time. */
  ticket = 0;
  /** The period of its queue in which it was listed last. */
  period = -1;

  /** Its part of the connections, in proportion to the weights of the shares beside it. */
  get weight(): number {
    return this.#weight;
  }

  /** The most leases at once. */
  get cap(): number {
    return this.#cap;
  }

  /** Below this many leases its waiters come first. */
  get reserve(): number {
    return this.#reserve;
  }

  /** What it may use from now on. */
  allow(weight: number, cap: number, reserve: number): void {
    this.#weight = weight;
    this.#cap = cap;
    this.#reserve = reserve;
  }

  /** Its open leases. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Whether it may have one more lease. */
  get mayTakeOne(): boolean {
    return this.#inUse + this.#passed < this.#cap;
  }

  /** Whether it has less than its reserve. */
  get isOwed(): boolean {
    return this.#inUse + this.#passed < this.#reserve;
  }

  /** The virtual time at which it is due. */
  dueAt(now: number): number {
    return this.#base + (this.#openTime(now) + this.#passedTime) / this.#weight;
  }

  /**
   * The virtual time of what it has used. Unlike {@link dueAt} it never goes back: open leases count as the time so far,
   * and not as what was expected of them, which may be too much after leases that took long for once.
   */
  usedAt(now: number): number {
    return this.#base + (this.#portions * now - this.#begun) / this.#weight;
  }

  /** Forgets what it used before, and is due at this virtual time. */
  startAt(due: number, now: number): void {
    this.#base = due - this.#openTime(now) / this.#weight;
  }

  /** @param portion how much of the connection it has: 1 for all of it */
  lent(portion: number, promised: number, now: number): void {
    this.#inUse++;
    this.#portions += portion;
    this.#begun += portion * now;
    this.#promised += promised;
  }

  returned(portion: number, promised: number, since: number, now: number): void {
    this.#inUse--;
    this.#base += (portion * (now - since)) / this.#weight;
    if (this.#inUse === 0) {
      // Exactly zero again, whatever the sums of fractions lost.
      this.#portions = 0;
      this.#begun = 0;
      this.#promised = 0;
      return;
    }
    this.#portions -= portion;
    this.#begun -= portion * since;
    this.#promised -= promised;
  }

  /** Takes over the open leases of another share. */
  takeOver(other: Share): void {
    this.#inUse = other.#inUse;
    this.#portions = other.#portions;
    this.#begun = other.#begun;
    this.#promised = other.#promised;
  }

  /** One of its waiters was passed over by a walk. */
  pass(promised: number): void {
    this.#passed++;
    this.#passedTime += promised;
  }

  /** The walk has ended. */
  forgetPassed(): void {
    this.#passed = 0;
    this.#passedTime = 0;
  }

  #openTime(now: number): number {
    return this.#inUse === 0 ? 0 : Math.max(this.#portions * now - this.#begun, this.#promised);
  }
}
