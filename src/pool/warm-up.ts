interface Awaited {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Callers that wait for connections without borrowing one: `start()` for the first, `warm()` for the minimum. */
export class WarmUp {
  #first: Awaited | undefined;
  /** How many attempts remain for the first connection. */
  #attempts = 0;
  #minimum: Awaited | undefined;

  /** How many connections are wanted in any case. */
  get wanted(): number {
    return this.#first === undefined ? 0 : 1;
  }

  /** Resolves with the first connection; rejects with the cause of the last failure, after so many attempts. */
  first(attempts: number): Promise<void> {
    if (this.#first === undefined) {
      this.#first = awaited();
      this.#attempts = attempts;
    }
    return this.#first.promise;
  }

  /** Resolves when the minimum is open; rejects when it cannot be opened. */
  minimum(): Promise<void> {
    this.#minimum ??= awaited();
    return this.#minimum.promise;
  }

  /** Called after each event with the number of open connections and the minimum. */
  look(live: number, kept: number): void {
    if (live > 0) this.#endFirst()?.resolve();
    if (this.#minimum !== undefined && live >= kept) this.#endMinimum()?.resolve();
  }

  /** An attempt for the pool's own identity failed. `lasting`: another one would fail as well. */
  failed(error: unknown, lasting: boolean): void {
    if (this.#first !== undefined && (lasting || --this.#attempts <= 0)) this.#endFirst()?.reject(error);
    if (lasting) this.#endMinimum()?.reject(error);
  }

  end(error: unknown): void {
    this.#endFirst()?.reject(error);
    this.#endMinimum()?.reject(error);
  }

  #endFirst(): Awaited | undefined {
    const first = this.#first;
    this.#first = undefined;
    return first;
  }

  #endMinimum(): Awaited | undefined {
    const minimum = this.#minimum;
    this.#minimum = undefined;
    return minimum;
  }
}

function awaited(): Awaited {
  let resolve = (): void => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}
