/** The prefix of all our environment variables. */
export const environmentPrefix = 'SURREAL_POOL_';

/** Names shorter than this are the beginning of too many others. */
const shortestBeginning = 3;

/**
 * The path that the caller probably meant by `path`, or undefined. Names are compared without case, separators and
 * parents: `max_connections` finds `poolConfig.maxConnections`. If no name is nearer, a common beginning is enough
 * (`max`, `idleTimeoutMillis`).
 */
export function nearest(path: string, candidates: readonly string[]): string | undefined {
  const wanted = letters(lastName(path));
  const limit = Math.max(1, Math.min(3, Math.floor(wanted.length / 3)));
  let best: string[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate === path) continue;
    const rank = difference(wanted, letters(lastName(candidate)), limit);
    if (rank < least) best = [];
    least = Math.min(least, rank);
    if (rank === least && rank !== Number.POSITIVE_INFINITY) best.push(candidate);
  }
  return best.find((candidate) => parentOf(candidate) === parentOf(path)) ?? best[0];
}

/** The parent of a path: `poolConfig.` of `poolConfig.idleTimeout`; empty at the top. */
export function parentOf(path: string): string {
  return path.startsWith(environmentPrefix) ? environmentPrefix : path.slice(0, path.lastIndexOf('.') + 1);
}

function lastName(path: string): string {
  return path.slice(parentOf(path).length);
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The number of edits, up to `limit`; just above it when one name begins the other; otherwise infinite. */
function difference(one: string, other: string, limit: number): number {
  const edits = editDistance(one, other);
  if (edits <= limit) return edits;
  const isBeginning = one.startsWith(other) || other.startsWith(one);
  if (isBeginning && Math.min(one.length, other.length) >= shortestBeginning) return limit + 1;
  return Number.POSITIVE_INFINITY;
}

/** The Levenshtein distance, computed row by row. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const replaced = (row[column] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
