/** That one transaction has to come before another, and why. */
export interface Dependency {
  readonly from: number;
  readonly to: number;
  readonly type: 'ww' | 'wr' | 'rw';
  readonly key: string;
  readonly why: string;
}

/** The dependencies between the transactions of one history. */
export class Dependencies {
  readonly #leaving = new Map<number, Dependency[]>();
  readonly #known = new Set<string>();

  add(dependency: Dependency): void {
    const { from, to, type, key } = dependency;
    const name = `${from} ${to} ${type} ${key}`;
    if (from === to || this.#known.has(name)) return;
    this.#known.add(name);
    const leaving = this.#leaving.get(from);
    if (leaving === undefined) this.#leaving.set(from, [dependency]);
    else leaving.push(dependency);
  }

  /**
   * Cycles in which no `rw` follows another, the shortest first: of each transaction that is in one, its shortest. Empty
   * when no such cycle is there.
   */
  cycles(): Dependency[][] {
    const cycles = this.#suspects().map((start) => this.#cycleThrough(start));
    return cycles.filter((cycle) => cycle.length > 0).sort((one, other) => one.length - other.length);
  }

  /**
   * The transactions that are left when each is taken away that no other has to precede. A transaction is taken twice:
   * as it is left behind a `rw`, when no other `rw` may follow, and otherwise. Almost always none is left.
   */
  #suspects(): number[] {
    const all = [...this.#leaving.values()].flat();
    const places = new Set(all.flatMap(({ from, to }) => [place(from, false), place(to, false), place(to, true)]));
    const pending = new Map([...places].map((each) => [each, 0]));
    const leave = (number: number, behindRw: boolean, visit: (to: string) => void): void => {
      for (const { to, type } of this.#leaving.get(number) ?? []) {
        if (type !== 'rw' || !behindRw) visit(place(to, type === 'rw'));
      }
    };
    const leaveAll = (from: string, visit: (to: string) => void): void =>
      leave(Number.parseInt(from, 10), from.endsWith('rw'), visit);
    for (const from of places) leaveAll(from, (to) => pending.set(to, (pending.get(to) ?? 0) + 1));
    const free = [...places].filter((each) => pending.get(each) === 0);
    for (let from = free.pop(); from !== undefined; from = free.pop()) {
      places.delete(from);
      leaveAll(from, (to) => {
        const left = (pending.get(to) ?? 0) - 1;
        pending.set(to, left);
        if (left === 0) free.push(to);
      });
    }
    return [...new Set([...places].map((each) => Number.parseInt(each, 10)))].sort((one, other) => one - other);
  }

  /** The shortest way from a transaction back to it; empty when there is none. */
  #cycleThrough(start: number): Dependency[] {
    const visited = new Set<string>();
    let steps: Step[] = [];
    const leave = (from: number, before: Step | undefined, next: Step[]): void => {
      for (const dependency of this.#leaving.get(from) ?? []) {
        const isRw = dependency.type === 'rw';
        if (isRw && before?.dependency.type === 'rw') continue;
        const to = place(dependency.to, isRw);
        if (visited.has(to)) continue;
        visited.add(to);
        next.push({ dependency, before });
      }
    };
    leave(start, undefined, steps);
    while (steps.length > 0) {
      const next: Step[] = [];
      for (const step of steps) {
        const { to, type } = step.dependency;
        if (to !== start) leave(to, step, next);
        // A way that ends with an `rw` may not begin with another; the same cycle is found from a later transaction.
        else if (type !== 'rw') return pathTo(step);
      }
      steps = next;
    }
    return [];
  }
}

interface Step {
  readonly dependency: Dependency;
  readonly before: Step | undefined;
}

function place(number: number, behindRw: boolean): string {
  return behindRw ? `${number} rw` : `${number}`;
}

function pathTo(last: Step): Dependency[] {
  const path: Dependency[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.before) path.unshift(step.dependency);
  return path;
}
