import type { Uuid } from 'surrealdb';
import { type DatabaseName, databaseKey } from '../config/database-name.js';
import { isDefinitionConflict } from '../errors/server-errors.js';
import { systemClock } from '../time/clock.js';
import { pause } from '../time/pause.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';

const mostAttempts = 10;
const longestPause = 50;

/**
 * Selects namespace and database for sessions. The first use of a new database creates it, and two concurrent creations
 * conflict: so the first session goes alone, the others wait for it, and a conflict with another process is retried.
 */
export class FirstUse {
  readonly #known = new Set<string>();
  readonly #first = new Map<string, Promise<void>>();

  /** @throws the signal's reason once it is aborted */
  async use(transport: Transport, session: Uuid, name: DatabaseName, signal: AbortSignal): Promise<void> {
    const key = databaseKey(name);
    while (!this.#known.has(key)) {
      const first = this.#first.get(key);
      if (first === undefined) {
        // An attempt that is given up no longer blocks the others.
        const attempt = untilAborted(useWithRetry(transport, session, name), signal);
        this.#first.set(key, attempt);
        try {
          await attempt;
          this.#known.add(key);
        } finally {
          this.#first.delete(key);
        }
        return;
      }
      // Wait for the first attempt. If it failed, the next session tries.
      await untilAborted(first, signal).catch(() => signal.throwIfAborted());
    }
    await untilAborted(useWithRetry(transport, session, name), signal);
  }
}

async function useWithRetry(transport: Transport, session: Uuid, name: DatabaseName): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await transport.use(name, session);
      return;
    } catch (error) {
      if (attempt === mostAttempts || !isDefinitionConflict(error)) throw error;
      await pause(systemClock, Math.random() * longestPause, []);
    }
  }
}
