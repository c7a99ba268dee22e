import { ownValues } from '../calls/own-values.js';
import { StatementRefusedError } from '../errors/agent.js';
import { UsageError } from '../errors/configuration.js';
import { type DestructiveStatement, destructive } from '../surrealql/destructive-statements.js';
import { writingStatement } from '../surrealql/read-access.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import { kindsOf } from '../surrealql/statement-kinds.js';
import type { SurrealText } from '../surrealql/surreal-text.js';
import { untilAborted } from '../time/until-aborted.js';
import type { SessionNames } from './usage.js';

/** What a guard function is asked about: one call of the session, before it is sent. */
export interface GuardedStatement {
  /** The agent's name, as given to `createSession()`. */
  readonly agentId: string;
  /** The session's own name. */
  readonly sessionId: string;
  /** The whole text, which may have several statements. */
  readonly text: string;
  /** What each statement of the text begins with, in capitals: `SELECT`, `DELETE`; `EXPRESSION` for a mere value. */
  readonly statements: readonly string[];
  /** The values of the parameters: a copy, so that a guard function changes nothing of the call. */
  readonly bindings: Readonly<Record<string, unknown>>;
  /** Whether it removes something, or deletes or updates without WHERE and not by record ids. */
  readonly destructive: boolean;
  /** Whether the caller confirmed it: it came by `confirmed()`. */
  readonly confirmed: boolean;
  /** False only if it certainly reads and does nothing else, apart from what the database itself has defined. */
  readonly writes: boolean;
  /** Aborted when the caller no longer waits for the answer; undefined when the call has no signal. */
  readonly signal: AbortSignal | undefined;
}

/** Decides about a call. Anything but `allow` refuses it, also an error that it throws. */
export type StatementGuard = (statement: GuardedStatement) => 'allow' | 'refuse' | Promise<'allow' | 'refuse'>;

/** The guards of a session. */
export interface GuardOptions {
  /**
   * `read`: each call is refused unless its text is known to only read: `SELECT`, `RETURN`, `LET`, `INFO`, `SHOW`, and
   * `IF`, `FOR` and blocks of these. By default `write`: nothing is refused.
   *
   * It is a guard and not a border: it judges the text, and does not see what the database has defined. A function, a
   * computed field or a permission may do what the text does not show. The border is a user of the database with the
   * role VIEWER: give its `credentials` to the session.
   */
  readonly access?: 'read' | 'write' | undefined;
  /**
   * Whether to refuse `REMOVE`, and `DELETE`, `UPDATE` and `UPSERT` without `WHERE` on anything but record ids, unless
   * the call is made by `confirmed()`. By default false. It is meant against accidents: `WHERE true` passes.
   */
  readonly confirmDestructive?: boolean | undefined;
  /** Asked before each call that the other guards let pass, for the approval of a person or of a policy. */
  readonly guard?: StatementGuard | undefined;
}

/** The parts of a call that guards look at. */
export interface GuardedCall {
  readonly surrealText: SurrealText;
  readonly bindings: Readonly<Record<string, unknown>>;
}

/** How a call was made. */
export interface CallManner {
  /** Whether the caller confirmed that it may be destructive. */
  readonly confirmed?: boolean | undefined;
  /** Ends the wait for the guard function. */
  readonly signal?: AbortSignal | undefined;
}

/** Checks the calls of one session before they are sent. */
export class Guards {
  readonly #options: GuardOptions;
  readonly #session: SessionNames;

  private constructor(options: GuardOptions, session: SessionNames) {
    this.#options = options;
    this.#session = session;
  }

  /**
   * The guards that these options ask for; undefined when they ask for none, so that calls have nothing to check.
   * @throws UsageError for an option with another value than the allowed ones
   */
  static of(options: GuardOptions, session: SessionNames): Guards | undefined {
    const { access, confirmDestructive, guard } = options;
    if (access !== undefined && access !== 'read' && access !== 'write') {
      throw new UsageError(`access must be 'read' or 'write', not ${inspected(access)}`);
    }
    if (confirmDestructive !== undefined && typeof confirmDestructive !== 'boolean') {
      throw new UsageError(`confirmDestructive must be true or false, not ${inspected(confirmDestructive)}`);
    }
    if (guard !== undefined && typeof guard !== 'function') {
      throw new UsageError(`guard must be a function, not ${inspected(guard)}`);
    }
    const isNeeded = access === 'read' || confirmDestructive === true || guard !== undefined;
    return isNeeded ? new Guards({ access, confirmDestructive, guard }, session) : undefined;
  }

  /**
   * Checks a call. Nothing of it may be sent before this has let it pass.
   * @returns undefined when it may be sent at once; a promise while the guard function decides
   * @throws StatementRefusedError at once or by the promise
   */
  check(call: GuardedCall, manner: CallManner = {}): Promise<void> | undefined {
    const { surrealText, bindings } = call;
    const { access, confirmDestructive, guard } = this.#options;
    const writing = access === 'read' ? writingStatement(surrealText, bindings) : undefined;
    if (writing !== undefined) throw this.#noAccess(writing);
    if (confirmDestructive === true && manner.confirmed !== true) {
      const found = destructive(surrealText, bindings);
      if (found !== undefined) throw this.#notConfirmed(found);
    }
    return guard === undefined ? undefined : this.#ask(guard, call, manner);
  }

  async #ask(guard: StatementGuard, { surrealText, bindings }: GuardedCall, manner: CallManner): Promise<void> {
    const { signal, confirmed = false } = manner;
    const statement = shownStatement(surrealText.text);
    const refusal = (why: string, cause?: { readonly cause: unknown }): StatementRefusedError =>
      new StatementRefusedError(`${this.#who} may not send ${statement}: ${why}`, {
        statement,
        rule: 'guard',
        ...cause,
      });
    let answer: unknown;
    try {
      const asked: GuardedStatement = {
        agentId: this.#session.agentId,
        sessionId: this.#session.sessionId,
        text: surrealText.text,
        statements: kindsOf(surrealText),
        bindings: ownValues(bindings),
        destructive: destructive(surrealText, bindings) !== undefined,
        confirmed,
        writes: writingStatement(surrealText, bindings) !== undefined,
        signal,
      };
      signal?.throwIfAborted();
      const deciding = Promise.resolve(guard(asked));
      // It may wait for a person.
      answer = await (signal === undefined ? deciding : untilAborted<unknown>(deciding, signal));
    } catch (cause) {
      if (signal?.aborted) throw refusal('its signal was aborted before the guard function decided', { cause });
      throw refusal('the guard function failed, so it allowed nothing', { cause });
    }
    if (answer === 'allow') return;
    if (answer === 'refuse') throw refusal('the guard function refused it');
    throw refusal(`the guard function answered ${inspected(answer)}, which is neither 'allow' nor 'refuse'`);
  }

  get #who(): string {
    return `The session of agent ${JSON.stringify(this.#session.agentId)}`;
  }

  #noAccess(statement: string): StatementRefusedError {
    return new StatementRefusedError(
      `${this.#who} has access 'read' and may not send ${statement}: it is not known to only read. Send only SELECT, RETURN, LET, INFO and SHOW without functions of the database; write a field whose name is a keyword in backticks`,
      { statement, rule: 'access' },
    );
  }

  #notConfirmed({ statement, reason }: DestructiveStatement): StatementRefusedError {
    return new StatementRefusedError(
      `${this.#who} may not send ${statement} without confirmation: ${reason}. Limit it with WHERE or name records by their ids, or send it by confirmed() if it is meant`,
      { statement, rule: 'destructive' },
    );
  }
}

/** A value as an error shows it, without its content. */
function inspected(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : value === null ? 'null' : typeof value;
}
