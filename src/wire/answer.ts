import {
  Duration,
  parseRpcError,
  type QueryChunk,
  type RpcErrorObject,
  type RpcQueryResult,
  type RpcQueryResultErr,
  type ServerError,
} from 'surrealdb';

/** What one statement is answered with, as the SDK hands it on. */
export interface StatementAnswer extends QueryChunk<unknown> {
  /** How long the server took, as it writes it: `12.5µs`. */
  readonly time: string;
}

/** A statement that the server refused; the type of the SDK lacks the cause. */
type FailedStatement = RpcQueryResultErr & Pick<RpcErrorObject, 'cause'>;

/** What a query is answered with: in the order of its statements. */
export type Answer = StatementAnswer[];

/** Whether a statement of it failed. */
export function hasFailed(answer: Answer): boolean {
  for (const { error } of answer) if (error !== undefined) return true;
  return false;
}

/** The first error in it. */
export function failureIn(answer: Answer): Error | undefined {
  return answer.find(({ error }) => error !== undefined)?.error;
}

/** Makes of a reply what the SDK's engines make of it, in one piece and at once. */
export function answerOf(results: readonly RpcQueryResult[]): Answer {
  return results.map(statementAnswer);
}

function statementAnswer(result: RpcQueryResult, query: number): StatementAnswer {
  const { time } = result;
  const stats = {
    // The server does not say.
    bytesReceived: -1,
    bytesScanned: -1,
    recordsReceived: -1,
    recordsScanned: -1,
    // Read when it is asked for: it costs as much as all the rest, and hardly anybody asks.
    get duration(): Duration {
      return Duration.parseFloat(time);
    },
  };
  if (result.status === 'ERR') {
    return { query, batch: 0, kind: 'single', time, stats, error: statementError(result) };
  }
  const { type, result: value } = result;
  if (Array.isArray(value)) return { query, batch: 0, kind: 'batched-final', time, stats, type, result: value };
  return { query, batch: 0, kind: 'single', time, stats, type, result: [value] };
}

/** The error of a statement. Servers write it otherwise than that of a whole call, for which the SDK has a function. */
function statementError({ kind, result: message, details, cause }: FailedStatement): ServerError {
  const isWrapped = details?.kind === (kind || 'Internal') && typeof details.details === 'object';
  const inner = isWrapped ? (details.details as RpcErrorObject['details']) : details;
  // The SDK takes these members as they come, also those that are undefined.
  return parseRpcError({ code: 0, message, kind, details: inner, cause } as RpcErrorObject);
}

/** Milliseconds in each unit that servers write. */
const units: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, µs: 1e-3, μs: 1e-3, us: 1e-3, ms: 1, s: 1_000, m: 60_000 },
  ...{ h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 },
};

/** A time as servers write it, in milliseconds. */
export function millisecondsOf(time: string): number {
  const unit = units[time.slice(time.search(/[^\d.]/))] ?? 1;
  return Number.parseFloat(time) * unit;
}
