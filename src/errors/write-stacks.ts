import { causes } from './causes.js';

/**
 * Has the stacks of an error and its causes written. Until a stack is read, its error references the functions on it
 * and their objects: an error that is kept may keep alive a lease that no code references, which the pool would take
 * back.
 */
export function writeStacks(error: Error): void {
  for (const cause of causes(error)) {
    try {
      cause.stack;
    } catch {
      // The process's `Error.prepareStackTrace` threw; the frames are gone all the same.
    }
  }
}
