import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import promises from 'node:timers/promises';

// Import this file before any other that keeps a clock or a timer function for itself.

const native = {
  now: performance.now.bind(performance),
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
};

type Callback = (...parameters: unknown[]) => void;

/** A timer of the faster time, with what Node's own ones have. */
class FastTimer {
  #due: number;
  #armed: NodeJS.Timeout | undefined;
  #holdsProcess = true;

  constructor(
    readonly delay: number,
    readonly repeats: boolean,
    readonly fire: () => void,
  ) {
    this.#due = time.now() + delay;
    this.arm();
  }

  arm(): void {
    native.clearTimeout(this.#armed);
    pending.add(this);
    this.#armed = native.setTimeout(() => this.#look(), Math.max(0, (this.#due - time.now()) / time.rate));
    if (!this.#holdsProcess) this.#armed.unref();
  }

  close(): this {
    pending.delete(this);
    native.clearTimeout(this.#armed);
    return this;
  }

  refresh(): this {
    this.#due = time.now() + this.delay;
    this.arm();
    return this;
  }

  ref(): this {
    this.#holdsProcess = true;
    this.#armed?.ref();
    return this;
  }

  unref(): this {
    this.#holdsProcess = false;
    this.#armed?.unref();
    return this;
  }

  hasRef(): boolean {
    return this.#holdsProcess;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #look(): void {
    pending.delete(this);
    if (this.repeats) {
      this.#due = time.now() + this.delay;
      this.arm();
    }
    this.fire();
  }
}

const pending = new Set<FastTimer>();

/**
 * The time of this process, which can be made to run faster: outages of minutes are over in seconds, with real sockets. What
 * JavaScript asks for the time, and its timers, go by it; the engine and the sockets of the operating system do not.
 */
class FastTime {
  #rate = 1;
  /** Where this rate began, in real milliseconds and in those of this time. */
  #from = { real: native.now(), own: native.now() };

  get rate(): number {
    return this.#rate;
  }

  /** How many of its milliseconds go into a real one, from now on. Timers that run are set anew. */
  set rate(rate: number) {
    this.#from = { real: native.now(), own: this.now() };
    this.#rate = rate;
    for (const timer of [...pending]) timer.arm();
  }

  now(): number {
    return this.#from.own + (native.now() - this.#from.real) * this.#rate;
  }
}

export const time: FastTime = new FastTime();

function start(callback: Callback, delay: number | undefined, repeats: boolean, parameters: unknown[]): FastTimer {
  return new FastTimer(Math.max(1, Number(delay) || 1), repeats, () => callback(...parameters));
}

function stop(timer: unknown): void {
  if (timer instanceof FastTimer) timer.close();
  else native.clearTimeout(timer as NodeJS.Timeout | undefined);
}

async function sleep<T>(
  delay?: number,
  value?: T,
  { ref = true, signal }: { ref?: boolean; signal?: AbortSignal } = {},
): Promise<T | undefined> {
  const aborted = (): DOMException =>
    new DOMException('The operation was aborted', { name: 'AbortError', cause: signal?.reason });
  if (signal?.aborted) throw aborted();
  return await new Promise((resolve, reject) => {
    const timer = start(
      () => {
        signal?.removeEventListener('abort', give);
        resolve(value);
      },
      delay,
      false,
      [],
    );
    const give = (): void => {
      timer.close();
      reject(aborted());
    };
    signal?.addEventListener('abort', give, { once: true });
    if (!ref) timer.unref();
  });
}

const functions = {
  setTimeout: Object.assign(
    (callback: Callback, delay?: number, ...parameters: unknown[]) => start(callback, delay, false, parameters),
    { [Symbol.for('nodejs.util.promisify.custom')]: sleep },
  ),
  setInterval: (callback: Callback, delay?: number, ...parameters: unknown[]) =>
    start(callback, delay, true, parameters),
  clearTimeout: stop,
  clearInterval: stop,
};

const began = { own: time.now(), day: Date.now() };
Object.assign(globalThis, functions);
Object.assign(timers, functions);
Object.assign(promises, { setTimeout: sleep });
syncBuiltinESMExports();
performance.now = () => time.now();
Date.now = () => Math.round(began.day + time.now() - began.own);
AbortSignal.timeout = (delay) => {
  const controller = new AbortController();
  const expire = (): void =>
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  start(expire, delay, false, []).unref();
  return controller.signal;
};
