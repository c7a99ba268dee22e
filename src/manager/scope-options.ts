import type { AcquireOptions, CallRetryOptions } from './acquire-options.js';

/** Options of a scope: the identity of its calls, their time limits, and how they are repeated. */
export interface ScopeOptions extends AcquireOptions, CallRetryOptions {}

/**
 * Merges the options of a scope within another: given options replace those of the outer scope. Variables are merged by
 * name; new credentials drop the key of the outer ones; both signals abort.
 *
 * @param given validated before on its own: a namespace without a database must not be completed from the outer scope
 */
export function optionsWithin(outer: ScopeOptions, given: ScopeOptions): ScopeOptions {
  const options: ScopeOptions = { ...outer };
  if (given.credentials !== undefined) delete options.credentialsKey;
  // Undefined options are left out; for the identity they were refused before.
  Object.assign(options, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  if (outer.variables !== undefined && given.variables !== undefined) {
    options.variables = { ...outer.variables, ...given.variables };
  }
  if (outer.signal !== undefined && given.signal !== undefined && outer.signal !== given.signal) {
    options.signal = AbortSignal.any([outer.signal, given.signal]);
  }
  return options;
}
