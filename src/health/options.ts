import { ClosedOptions } from '../config/closed-options.js';
import type { Duration } from '../config/duration.js';
import { asDuration, asFlag } from '../config/option-readers.js';

/** How pools are judged, and what is told of them. */
export interface HealthOptions {
  /**
   * For how long no server may be usable before `ready` fails. Default `30s`: a server that restarts is no reason to take every
   * process of a service out at once. 0: it fails at once.
   */
  outageTolerance?: Duration | undefined;
  /**
   * Whether the body names servers and agents, and says why servers fail: for endpoints that only operators reach. Addresses have
   * no query string. Default `false`: they have numbers, `server #1` and `agent #1`.
   */
  details?: boolean | undefined;
}

const healthOptions = new ClosedOptions<HealthOptions>('The options of healthHandler()', {
  outageTolerance: asDuration,
  details: asFlag,
});

/** Times are in milliseconds. */
export interface ResolvedHealthOptions {
  readonly outageTolerance: number;
  readonly details: boolean;
}

/** @throws ConfigurationError */
export function readHealthOptions(options: HealthOptions): ResolvedHealthOptions {
  const { outageTolerance = 30_000, details = false } = healthOptions.read(options);
  return { outageTolerance: Number(outageTolerance), details };
}
