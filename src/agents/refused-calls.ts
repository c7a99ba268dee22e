import type { Call } from '../calls/call.js';
import { StatementRefusedError } from '../errors/agent.js';
import { keywordOf } from '../surrealql/refused-statements.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import { EncodedBindings } from '../wire/recording-codec.js';
import { namesTable } from './audit-table.js';

/** The session whose call is judged. */
export interface RefusingSession {
  readonly agentId: string;
  /** The table of its audit; undefined without one. */
  readonly auditTable: string | undefined;
}

/**
 * The error for a call that a session never sends, whatever its guards say: one that would leave its database, or that
 * touches the table of its audit. Undefined for all others.
 */
export function refusalOf(call: Call, session: RefusingSession): StatementRefusedError | undefined {
  const { bindings } = call.details;
  const { auditTable } = session;
  if (
    auditTable !== undefined &&
    namesTable(auditTable, call.surrealText, bindings instanceof EncodedBindings ? {} : bindings)
  ) {
    return refusal(call, session, `it names ${auditTable}, the table of the audit, which only the pool writes`);
  }
  if (movesElsewhere(call)) {
    const why = 'USE would leave the database of the session: create another session for another database';
    return refusal(call, session, why);
  }
  return undefined;
}

/** Whether a text has a USE, in any reading of it. */
function movesElsewhere({ text, surrealText }: Call): boolean {
  if (!/\bUSE\b/i.test(text)) return false;
  return surrealText.split.statements.some(({ tokens }) => keywordOf(tokens) === 'USE');
}

function refusal({ text }: Call, { agentId }: RefusingSession, why: string): StatementRefusedError {
  const statement = shownStatement(text);
  return new StatementRefusedError(
    `The session of agent ${JSON.stringify(agentId)} may not send ${statement}: ${why}`,
    { statement, rule: 'access' },
  );
}
