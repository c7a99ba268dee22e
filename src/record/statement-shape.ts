import { normalisedStatements } from '../surrealql/normalised-statements.js';
import { operationName } from '../telemetry/operation-name.js';

/** What a statement is like, without its values. */
export interface StatementShape {
  readonly operation: string;
  readonly text: string;
}

/** Statements that name users, databases or other parts of the server; what they name stays out of a recording. */
const naming = /\b(?:ACCESS|ALTER|DEFINE|INFO|KILL|REBUILD|REMOVE|SHOW|USE)\b/i;
/** `DEFINE USER`, of `DEFINE USER bob ON ROOT PASSWORD ?`. */
const kindOfNaming = /^(?:DEFINE|REMOVE|ALTER|REBUILD|INFO|USE)\s+(?:FOR\s+)?[A-Z]+\b/i;
/** The longest text of a shape, in characters. */
const longest = 500;

/** The shape of a text; that of two texts that differ only in values is the same. */
export function shapeOf(text: string): StatementShape {
  const shown = normalisedStatements(text).map(withoutNames).join('; ');
  return { operation: operationName(text), text: shown.length > longest ? `${shown.slice(0, longest)}…` : shown };
}

function withoutNames(statement: string): string {
  if (!naming.test(statement)) return statement;
  return `${kindOfNaming.exec(statement)?.[0] ?? operationName(statement)} …`;
}
