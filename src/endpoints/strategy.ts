import type { LoadBalancing } from '../config/endpoint-options.js';
import type { Strategy } from './candidate.js';
import { HealthBased } from './strategies/health-based.js';
import { Latency } from './strategies/latency.js';
import { LeastConnections } from './strategies/least-connections.js';
import { RandomChoice } from './strategies/random.js';
import { RoundRobin } from './strategies/round-robin.js';

export type { Candidate, Strategy } from './candidate.js';

/** @param random from 0 (inclusive) to 1 */
export function makeStrategy(name: LoadBalancing, random: () => number): Strategy {
  switch (name) {
    case 'round-robin':
      return new RoundRobin(random);
    case 'least-connections':
      return new LeastConnections(random);
    case 'random':
      return new RandomChoice(random);
    case 'health-based':
      return new HealthBased(random);
    case 'latency':
      return new Latency(random);
  }
}
