import * as v from 'valibot';
import type { ConsoleMessage } from '../../console/index.js';

/** JSON has null for what is not finite, and leaves out what is undefined. */
const number = v.nullish(v.number(), 0);
const known = v.exactOptional(v.number());
const text = v.string();

const verdict = v.object({ kind: text, severity: text, sentence: text });
const times = v.object({ count: number, mean: number, p50: number, p90: number, p99: number, max: number });

const snapshot = v.object({
  pool: text,
  time: v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15)),
  verdict,
  state: text,
  connections: v.object({
    ...{ limit: number, minimum: number, total: number, idle: number, leased: number, opening: number },
    ...{ validating: number, resetting: number, closing: number },
  }),
  waiting: v.object({ callers: number, oldest: number }),
  rates: v.exactOptional(v.object({ acquires: number, queries: number })),
  failures: v.exactOptional(
    v.object({
      ...{ duration: number, timedOut: number, turnedAway: number, acquiresFailed: number, openingsFailed: number },
      ...{ queriesFailed: number, conflicts: number },
    }),
  ),
  ...{ waitTime: times, queryTime: times, leaseTime: times },
  endpoints: v.array(
    v.object({
      ...{ url: text, state: text, circuit: text, share: number, connections: number, opening: number, inUse: number },
      ...{ latency: known, nextProbeIn: number, lastError: v.exactOptional(text) },
    }),
  ),
  strip: v.array(v.object({ id: number, endpoint: number, state: text, idle: known, shared: known })),
  leases: v.object({
    shown: v.array(
      v.object({
        ...{ connection: number, endpoint: number, agent: v.exactOptional(text), namespace: text, database: text },
        ...{ user: text, held: number, idle: known, queries: number, shared: number, transactionFor: known },
        statement: v.exactOptional(text),
      }),
    ),
    more: number,
  }),
  agents: v.object({
    open: number,
    shown: v.array(
      v.object({
        ...{ agentId: text, state: text, weight: number, refused: v.record(text, number), connections: number },
        ...{ waiting: number, longestWait: number, operations: number, openTransactions: number, busyTime: number },
      }),
    ),
    more: number,
  }),
  events: v.array(v.object({ time: v.number(), level: text, text, count: number })),
});

const message = v.object({
  pools: v.array(v.object({ name: text, verdict })),
  next: number,
  snapshot: v.exactOptional(snapshot),
});

/** A message that was read, and its snapshot as it came, with what this version does not know. */
export interface ReadMessage {
  readonly message: ConsoleMessage;
  readonly given: unknown;
}

/**
 * Reads a message of a server that may be of another version, or no server of this package at all.
 *
 * @returns the message, or where it is not one
 */
export function readMessage(json: string): ReadMessage | string {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    return 'it is no JSON';
  }
  const result = v.safeParse(message, given);
  if (!result.success) {
    const [issue] = result.issues;
    return `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`;
  }
  // What is drawn of states and kinds is a text; those of another version are drawn as they are.
  return { message: result.output as unknown as ConsoleMessage, given: (given as { snapshot?: unknown }).snapshot };
}
