import { ClosedOptions, type OptionReader } from '../config/closed-options.js';
import { Refusal, show } from '../config/refusal.js';

/** What of the pools is shown. */
export interface PrometheusOptions {
  /**
   * How many agents of each pool have series of their own: the busiest; all others are counted together as `other`. Default `0`:
   * no metric by agent.
   */
  tenants?: number | undefined;
}

const asTenants: OptionReader = (given) =>
  Number.isSafeInteger(given) && (given as number) >= 0 ? given : new Refusal('a whole number, 0 or more', show(given));

const prometheusOptions = new ClosedOptions<PrometheusOptions>(
  'The options of prometheusText(), metricsHandler() and registerWith()',
  { tenants: asTenants },
);

/** @throws ConfigurationError */
export function readPrometheusOptions(options: PrometheusOptions): { tenants: number } {
  return { tenants: prometheusOptions.read(options).tenants ?? 0 };
}
