import type { Origin } from '../pool/origin.js';

/**
 * The stack of the callers of a function. It is captured at once and formatted when first read. Until then it keeps the
 * functions on the stack and their objects alive, perhaps those by which a lost lease is detected: so read it soon, or
 * drop it.
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
    // The process's `Error.prepareStackTrace` threw: the report has no stack.
    return '';
  }
}
