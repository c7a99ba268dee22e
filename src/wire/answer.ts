import {
  Duration,
  parseRpcError,
  type QueryChunk,
  type RpcErrorObject,
  type RpcQueryResult,
  type RpcQueryResultErr,
  type ServerError,
} from 'surrealdb';

/** The answer to one statement, in the form of the SDK. */
export interface StatementAnswer extends QueryChunk<unknown> {
  /** How long the server took, as the server writes it: `12.5µs`. */
  readonly time: string;
}

/** A failed statement. The SDK's type lacks the cause. */
type FailedStatement = RpcQueryResultErr & Pick<RpcErrorObject, 'cause'>;

/** The answers to a query, in the order of its statements. */
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

/** Converts a reply as the SDK's engines do, but synchronously and in one piece. */
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
    // Parsed only when read: parsing costs as much as all the rest, and callers hardly ever read it.
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

/**
 * The error of a statement. Servers write it differently from the error of a whole call, for which the SDK has a
 * function.
 */
function statementError({ kind, result: message, details, cause }: FailedStatement): ServerError {
  const isWrapped = details?.kind === (kind || 'Internal') && typeof details.details === 'object';
  const inner = isWrapped ? (details.details as RpcErrorObject['details']) : details;
  // The SDK copies these members as they are, including undefined ones.
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
