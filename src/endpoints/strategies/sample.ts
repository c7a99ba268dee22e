/** As many candidates are few enough to look at all; of more, as many are looked at. */
export const few = 8;
/** As many times a sample is drawn until it has a well candidate: if half are ill, one in 256 has none (Finagle's maxEffort). */
export const maxEffort = 4;

/**
 * Which candidates a strategy looks at: all when there are at most 8, else 8 at even distances from a random place.
 *
 * Neither the place nor the distance may follow from the last one: with windows that are moved on, neighbours would
 * compete only with neighbours, and a heavy one among heavy ones would not get its part.
 */
export class Sample {
  /** How many to look at. */
  size = 0;
  /** The index of the first. */
  first = 0;
  #distance = 1;
  #count = 0;
  #state: number;

  constructor(random: () => number) {
    this.#state = Math.floor(random() * 2 ** 32);
  }

  draw(count: number): void {
    this.#count = count;
    if (count <= few) {
      this.size = count;
      this.first = 0;
      this.#distance = 1;
      return;
    }
    this.size = few;
    this.first = this.#below(count);
    this.#distance = 1 + this.#below(count - 1);
  }

  /** The index that comes after this one. */
  after(index: number): number {
    const next = index + this.#distance;
    return next >= this.#count ? next - this.#count : next;
  }

  /** A whole number from 0 to below `end`: mixing is cheaper than `random`, and no secret hangs on it. */
  #below(end: number): number {
    // A linear congruential generator; its upper bits are random enough.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }
}
