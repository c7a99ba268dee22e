import { ClosedOptions } from '../config/closed-options.js';
import { asTenants } from '../metrics/tenants-option.js';

/** What of the pools is shown. */
export interface PrometheusOptions {
  /**
   * How many agents of each pool have series of their own: the busiest; all others are counted together as `other`. At most
   * 1,000. Default `0`: no metric by agent.
   */
  tenants?: number | undefined;
}

const prometheusOptions = new ClosedOptions<PrometheusOptions>(
  'The options of prometheusText(), metricsHandler() and registerWith()',
  { tenants: asTenants },
);

/** @throws ConfigurationError */
export function readPrometheusOptions(options: PrometheusOptions): { tenants: number } {
  return { tenants: prometheusOptions.read(options).tenants ?? 0 };
}
