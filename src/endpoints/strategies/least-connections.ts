import type { Candidate } from '../candidate.js';
import { rankOf } from './rank.js';
import { RoundRobin } from './round-robin.js';

/**
 * The fewest connections in use for its share, the new one included (as HAProxy's `leastconn`): with shares of 1 and 2
 * twice as many are in use at the second. Those with none in use are equal, whatever their share, and so are others by
 * chance: of equal ones it is taken in turn. Otherwise a single caller would always get the same one.
 */
export class LeastConnections extends RoundRobin {
  protected override rank(candidate: Candidate): number {
    const { inUse, share } = candidate;
    const load = inUse === 0 || share === 0 ? inUse : (inUse + 1) / share;
    // Below 1, so that it never outweighs a difference of standing.
    return rankOf(candidate) + load / (1 + load);
  }
}
