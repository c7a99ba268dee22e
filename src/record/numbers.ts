/** Numbers for things, in the order in which they are first seen, from 1; 0 for those beyond the most. */
export class Numbers<T> {
  readonly #numbers = new Map<T, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  of(thing: T): number {
    const known = this.#numbers.get(thing);
    if (known !== undefined) return known;
    if (this.#numbers.size === this.#most) return 0;
    const number = this.#numbers.size + 1;
    this.#numbers.set(thing, number);
    return number;
  }
}
