import type { AcquireOptions, CallRetryOptions } from './acquire-options.js';

/** What the calls of a scope are made as, how long they may take, and how they are repeated. */
export interface ScopeOptions extends AcquireOptions, CallRetryOptions {}

/**
 * The options of a scope within another: what is given replaces what the outer one says. Variables are put together by their
 * names; other credentials come with a key of their own or none; and both signals abort.
 *
 * @param given was found valid by itself: half a place is not filled up with the other half of the outer one
 */
export function optionsWithin(outer: ScopeOptions, given: ScopeOptions): ScopeOptions {
  const options: ScopeOptions = { ...outer };
  if (given.credentials !== undefined) delete options.credentialsKey;
  // What is undefined is left out, but for the identity, where it was refused before.
  Object.assign(options, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  if (outer.variables !== undefined && given.variables !== undefined) {
    options.variables = { ...outer.variables, ...given.variables };
  }
  if (outer.signal !== undefined && given.signal !== undefined && outer.signal !== given.signal) {
    options.signal = AbortSignal.any([outer.signal, given.signal]);
  }
  return options;
}
