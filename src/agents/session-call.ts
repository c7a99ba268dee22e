import type { Call } from '../calls/call.js';
import type { Admission } from '../calls/ledger.js';
import { ImportError } from '../errors/backup.js';
import { outcomeOf } from '../errors/outcome.js';
import type { CallOutcome } from '../errors/pool-error.js';
import { systemClock } from '../time/clock.js';
import type { Answer } from '../wire/answer.js';
import type { AnswerSize } from '../wire/recording-codec.js';
import { EncodedBindings } from '../wire/recording-codec.js';
import { hashOfCall } from './canonical-calls.js';
import { errorKind } from './error-kind.js';
import type { SessionKeeper } from './session-keeper.js';

/** One call of a session that was counted, outside of a transaction. */
export class SessionCall implements Admission {
  readonly #session: SessionKeeper;
  readonly #call: Call;
  readonly #single: boolean;
  readonly #at = Date.now();
  readonly #began = systemClock.now();
  readonly size: AnswerSize | undefined;
  readonly instead: Admission['instead'];

  /**
   * @param single whether it has a connection of its own, which was counted with it
   * @param instead sends it together with the row of the audit; undefined when that row is written apart, or not at all
   */
  constructor(session: SessionKeeper, call: Call, single: boolean, instead: Admission['instead']) {
    this.#session = session;
    this.#call = call;
    this.#single = single;
    this.instead = instead;
    this.size = session.usage.measuresBytes ? { bytes: 0 } : undefined;
  }

  guard(part: Call): Promise<void> | undefined {
    return this.#session.guard(part, false);
  }

  answered(answer: Answer): void {
    try {
      countAnswer(this.#session, answer, this.size, 'unknown');
    } catch (error) {
      this.#end('committed', error);
      throw error;
    }
    const failure = answer.find(({ error }) => error !== undefined)?.error;
    const nothingDone = failure !== undefined && answer.every(({ error }) => error !== undefined);
    this.#end(nothingDone ? 'aborted' : 'committed', failure);
  }

  failed(error: unknown): void {
    const outcome = outcomeOf(error);
    if (outcome === 'not-sent') this.#session.usage.giveBackOperation();
    this.#end(outcome === 'unknown' ? 'unknown' : 'aborted', error);
  }

  #end(outcome: 'committed' | 'aborted' | 'unknown', error: unknown): void {
    const session = this.#session;
    const duration = systemClock.now() - this.#began;
    if (this.#single) {
      session.usage.releaseConnection(duration);
      session.over();
    }
    const kind = error === undefined ? undefined : errorKind(error);
    session.note({
      ...{ kind: 'call', at: this.#at, duration, texts: [this.#call.text], outcome, error: kind },
      ...(kind === undefined ? {} : { reason: kind }),
      hashes: hashesOf(session, this.#call),
      // What was not applied has no row in a strict audit; a call that only reads has its row here.
      audited: session.isStrict && (this.instead !== undefined || outcome !== 'committed'),
    });
  }
}

/** An import or an export of a session that was counted. */
export class OtherAdmission implements Admission {
  readonly #session: SessionKeeper;
  readonly #what: 'export' | 'import';
  readonly #confirmed: boolean;
  readonly #at = Date.now();
  readonly #began = systemClock.now();
  readonly size = undefined;
  readonly instead = undefined;

  constructor(session: SessionKeeper, what: 'export' | 'import', confirmed: boolean) {
    this.#session = session;
    this.#what = what;
    this.#confirmed = confirmed;
  }

  guard(part: Call): Promise<void> | undefined {
    this.#session.refuse(part, false);
    return this.#session.guard(part, this.#confirmed);
  }

  answered(): void {
    this.#end('committed', undefined);
  }

  failed(error: unknown): void {
    const isUndone = outcomeOf(error) === 'not-sent' && !(error instanceof ImportError && error.applied > 0);
    if (isUndone) this.#session.usage.giveBackOperation();
    this.#end(isUndone ? 'aborted' : 'unknown', error);
  }

  #end(outcome: 'committed' | 'aborted' | 'unknown', error: unknown): void {
    const kind = error === undefined ? undefined : errorKind(error);
    this.#session.note({
      ...{ kind: 'call', at: this.#at, duration: systemClock.now() - this.#began, texts: [this.#what.toUpperCase()] },
      ...{ outcome, error: kind, hashes: [], audited: false },
      ...(kind === undefined ? {} : { reason: kind }),
    });
  }
}

/** Counts an answer. @throws AgentLimitError when it is too large */
export function countAnswer(
  { usage }: SessionKeeper,
  answer: Answer,
  size: AnswerSize | undefined,
  outcome: CallOutcome,
): void {
  let rows = 0;
  for (const { result } of answer) rows += result?.length ?? 0;
  usage.checkAnswer(rows, size?.bytes ?? 0, outcome);
}

export function hashesOf({ auditTable }: SessionKeeper, { text, details: { bindings } }: Call): Buffer[] {
  if (auditTable === undefined || bindings instanceof EncodedBindings) return [];
  return [hashOfCall(text, bindings)];
}
