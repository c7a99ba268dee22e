import { messageOf } from '../errors/error-message.js';
import { inOwnContext, inThisContext } from '../time/own-context.js';

/**
 * Typed events. They are delivered in order and in a microtask, never in the middle of a change, so a listener may call
 * anything. A listener that throws is reported as a process warning; the others are still called.
 */
export class Emitter<Events> {
  readonly #listeners: { [Name in keyof Events]?: Set<(event: Events[Name]) => void> } = {};
  #count = 0;
  #waiting: (() => void)[] = [];

  /** Calls `listener` after every such event. Returns a function that unsubscribes. */
  subscribe<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    // A wrapper, so that the same function may be subscribed twice and unsubscribed separately. It runs in the async
    // context of its subscriber, not of the request that caused the event.
    const own = inThisContext((event: Events[Name]): void => listener(event));
    const listeners: Set<(event: Events[Name]) => void> = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners;
    listeners.add(own);
    this.#count++;
    return () => {
      if (listeners.delete(own)) this.#count--;
    };
  }

  /** Whether there is a listener: asked before an event object is built. */
  has(name: keyof Events): boolean {
    return this.#count > 0 && (this.#listeners[name]?.size ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    if (this.#waiting.length === 0) inOwnContext(() => queueMicrotask(() => this.#deliver()));
    this.#waiting.push(() => this.#tell(name, event));
  }

  #deliver(): void {
    const events = this.#waiting;
    this.#waiting = [];
    for (const tell of events) tell();
  }

  #tell<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(
          `a listener for the event "${String(name)}" threw: ${messageOf(error)}`,
          'SurrealPoolWarning',
        );
      }
    }
  }
}
