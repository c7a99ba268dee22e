import type { Origin } from '../pool/origin.js';

/**
 * The stack above a function: who called it. It is captured at once and written when it is read. Until then it holds the
 * functions on the stack and their objects, which may be what a lost lease is known by: read it before long, or drop it.
 */
export class Callers implements Origin {
  #captured: { readonly stack?: unknown } | undefined = {};
  #text = '';

  constructor(called: (...parameters: never[]) => unknown) {
    Error.captureStackTrace(this.#captured as object, called);
  }

  get text(): string {
    if (this.#captured !== undefined) {
      this.#text = written(this.#captured);
      this.#captured = undefined;
    }
    return this.#text;
  }
}

function written(captured: { readonly stack?: unknown }): string {
  try {
    const { stack } = captured;
    return typeof stack === 'string' ? stack.split('\n').slice(1).join('\n') : '';
  } catch {
    // The `Error.prepareStackTrace` of the process threw: a report goes without its stack.
    return '';
  }
}
