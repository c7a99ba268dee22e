/** What is compared of a session. */
export interface SessionShare {
  /** How long connections worked for it, in milliseconds. */
  readonly busyTime: number;
  /** Its share compared with others: one with weight 2 may have twice as much. */
  readonly weight: number;
  /** How often it was refused, by limit. */
  readonly refused: Readonly<Partial<Record<string, number>>>;
}

/**
 * Jain's index of how evenly something is shared: 1 when all have the same, 1 / n when one of n has everything. It is 1
 * when there is nothing to share: no values, or only zeros.
 *
 * @param values what each has, divided by its weight where weights differ; not negative
 */
export function jainIndex(values: readonly number[]): number {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  if (largest === 0) return 1;
  // Relative to the largest, so that no square is too large or too small for a number.
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    const part = value / largest;
    sum += part;
    squares += part * part;
  }
  return (sum * sum) / (values.length * squares);
}

/** Jain's index of the time of connections that sessions had, by their weights. */
export function fairnessOf(sessions: readonly SessionShare[]): number {
  return jainIndex(sessions.map(byWeight));
}

/** The session that had most time of connections for its weight; the first of equal ones, undefined when none had any. */
export function greediest<Session extends SessionShare>(sessions: readonly Session[]): Session | undefined {
  return largestBy(sessions, byWeight);
}

/** The session that was refused most often; the first of equal ones, undefined when none was refused. */
export function mostRefused<Session extends SessionShare>(sessions: readonly Session[]): Session | undefined {
  return largestBy(sessions, refusals);
}

function byWeight({ busyTime, weight }: SessionShare): number {
  return busyTime / weight;
}

function refusals({ refused }: SessionShare): number {
  return Object.values(refused).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

function largestBy<Item>(items: readonly Item[], measure: (item: Item) => number): Item | undefined {
  let largest: Item | undefined;
  let most = 0;
  for (const item of items) {
    const value = measure(item);
    if (value <= most) continue;
    most = value;
    largest = item;
  }
  return largest;
}
