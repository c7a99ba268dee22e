/** Calls back at moments of a clock. */
export interface Moments {
  /** In milliseconds. */
  now(): number;
  /** Calls back at this moment of the clock, or at once if it has passed. Moments that are the same: in order. */
  at(moment: number, callback: () => void): void;
}

interface Pending {
  readonly moment: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Callbacks by their moment: a binary heap, the earliest at the top. */
export class Agenda {
  readonly #heap: Pending[] = [];
  #order = 0;

  get next(): number | undefined {
    return this.#heap[0]?.moment;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(moment: number, callback: () => void): void {
    const heap = this.#heap;
    const added = { moment, order: this.#order++, callback };
    let place = heap.length;
    heap.push(added);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = heap[above] as Pending;
      if (!isBefore(added, other)) break;
      heap[place] = other;
      place = above;
    }
    heap[place] = added;
  }

  /** Removes the earliest. */
  take(): (() => void) | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const moved = heap.pop();
    if (first === undefined || moved === undefined) return undefined;
    if (heap.length > 0) this.#sink(moved);
    return first.callback;
  }

  #sink(moved: Pending): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const below = right < heap.length && isBefore(heap[right] as Pending, heap[left] as Pending) ? right : left;
      if (!isBefore(heap[below] as Pending, moved)) break;
      heap[place] = heap[below] as Pending;
      place = below;
    }
    heap[place] = moved;
  }
}

function isBefore(one: Pending, other: Pending): boolean {
  return one.moment < other.moment || (one.moment === other.moment && one.order < other.order);
}

/** Timers of Node may be this late, in milliseconds; for less, the event loop is turned until it is time. */
const timerStep = 1.2;

/**
 * Moments of the real clock, exact to about a tenth of a millisecond: many calls to a database take less than one, and
 * a timer of Node takes at least one.
 */
export class RealMoments implements Moments {
  readonly #agenda = new Agenda();
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #isOver = false;

  now(): number {
    return performance.now();
  }

  at(moment: number, callback: () => void): void {
    if (this.#isOver) return;
    const before = this.#agenda.next;
    this.#agenda.add(moment, callback);
    if (before === undefined || moment < before) this.#arm();
  }

  /** Calls back no more. */
  end(): void {
    this.#isOver = true;
    this.#disarm();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }

  #arm(): void {
    this.#disarm();
    const { next } = this.#agenda;
    if (next === undefined || this.#isOver) return;
    const left = next - this.now();
    if (left > timerStep) this.#timer = setTimeout(() => this.#arm(), Math.floor(left - timerStep + 1));
    else this.#immediate = setImmediate(() => this.#turn());
  }

  #turn(): void {
    for (let { next } = this.#agenda; next !== undefined && next <= this.now(); { next } = this.#agenda) {
      this.#agenda.take()?.();
    }
    this.#arm();
  }
}
