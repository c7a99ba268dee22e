import type { AgentLimitError } from '../errors/agent.js';
import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import type { Clock } from '../time/clock.js';

/** A session that keeps running into its limits is reported once in this time, in milliseconds, with how often. */
const pause = 1_000;

interface Report {
  at: number;
  /** Refusals since the last report. */
  refused: number;
}

/** Reports by the event `agentLimit` that limits refuse, a bounded number of times for each session. */
export class LimitReports {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #events: Emitter<PoolEvents>;
  readonly #bySession = new Map<string, Report>();

  constructor(clock: Pick<Clock, 'now'>, events: Emitter<PoolEvents>) {
    this.#clock = clock;
    this.#events = events;
  }

  add(error: AgentLimitError): void {
    if (!this.#events.has('agentLimit')) return;
    const { agentId, sessionId, limit, max, value, scope, limitOf } = error;
    const now = this.#clock.now();
    const report = this.#bySession.get(sessionId) ?? { at: Number.NEGATIVE_INFINITY, refused: 0 };
    this.#bySession.set(sessionId, report);
    report.refused++;
    if (now - report.at < pause) return;
    this.#events.emit('agentLimit', {
      agentId,
      sessionId,
      limit,
      max,
      value,
      scope,
      limitOf,
      refused: report.refused,
      error,
    });
    report.at = now;
    report.refused = 0;
  }

  forget(sessionId: string): void {
    this.#bySession.delete(sessionId);
  }
}
