import type { PoolSnapshot } from '../errors.js';

/** Says in words what stands in the way of an acquire: the pool is busy, or the server is down, or both. */
export function describeObstacle(snapshot: PoolSnapshot): string {
  const { maxConnections, idle, leased, opening, validating, resetting, closing, waiting, lastOpenError } = snapshot;
  if (snapshot.state === 'paused') return `the pool is paused and ${callers(waiting)}: resume() it`;
  const live = idle + leased + opening + validating + resetting;
  const states = [
    `${leased} of at most ${maxConnections} connections are leased`,
    ...(idle > 0 ? [`${idle} idle`] : []),
    ...(opening > 0 ? [`${opening} opening`] : []),
    ...(validating > 0 ? [`${validating} being probed`] : []),
    ...(resetting > 0 ? [`${resetting} being reset`] : []),
    ...(closing > 0 ? [`${closing} closing`] : []),
    callers(waiting),
  ].join(', ');
  if (lastOpenError !== undefined && leased < maxConnections) {
    return `no connection could be opened (${lastOpenError}); ${states}`;
  }
  if (leased >= maxConnections) {
    return `the pool is busy: ${states}; raise maxConnections, or find who holds connections for long`;
  }
  if (live < maxConnections && closing >= maxConnections) return `closing connections is stuck: ${states}`;
  return states;
}

function callers(waiting: number): string {
  return waiting === 1 ? '1 caller waits' : `${waiting} callers wait`;
}
