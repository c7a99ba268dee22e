// What the panels ask Prometheus, in the words of the pool.

export const pool = 'db_client_connection_pool_name';
export const endpoint = 'surreal_pool_endpoint';
export const tenant = 'surreal_pool_tenant';
export const outcome = 'surreal_pool_outcome';
export const reason = 'surreal_pool_reason';
export const state = 'db_client_connection_state';

/** @param {string} name */
export const shown = (name) => `{{${name}}}`;

/** The metrics that tell servers apart. */
const ofOneServer = /^surreal_pool_(endpoint_(?!panics)|breaker_state$)/;

/**
 * The series of the processes and pools that the reader chose.
 *
 * @param {string} metric
 * @param {string} [more] further conditions
 */
export function chosen(metric, more) {
  const conditions = ['job=~"$job"', 'instance=~"$instance"', `${pool}=~"$pool"`];
  if (ofOneServer.test(metric)) conditions.push(`${endpoint}=~"$endpoint"`);
  if (more !== undefined) conditions.push(more);
  return `${metric}{${conditions.join(', ')}}`;
}

/**
 * A level, added up over processes.
 *
 * @param {string} metric
 * @param {string[]} by
 * @param {string} [more]
 */
export const sum = (metric, by, more) => `sum by (${by.join(', ')}) (${chosen(metric, more)})`;

/**
 * The highest of all processes.
 *
 * @param {string} metric
 * @param {string[]} by
 */
export const highest = (metric, by) => `max by (${by.join(', ')}) (${chosen(metric)})`;

/**
 * How often a second.
 *
 * @param {string} counter
 * @param {string[]} by
 * @param {string} [more]
 */
export const perSecond = (counter, by, more) =>
  `sum by (${by.join(', ')}) (rate(${chosen(counter, more)}[$__rate_interval]))`;

/**
 * How often a minute; `seldom` leaves out what did not happen, so that a legend of many reasons names only those that count.
 *
 * @param {string} counter
 * @param {string[]} by
 * @param {string} [more]
 */
export const perMinute = (counter, by, more) => `60 * ${perSecond(counter, by, more)}`;
/** @type {typeof perMinute} */
export const seldom = (counter, by, more) => `${perMinute(counter, by, more)} > 0`;

/**
 * Of what ended in the window; the comparison leaves out moments in which nothing did, which are not numbers.
 *
 * @param {number} share 0.99 for p99
 * @param {string} histogram
 * @param {string[]} by
 */
export const quantile = (share, histogram, by) =>
  `histogram_quantile(${share}, ${perSecond(`${histogram}_bucket`, ['le', ...by])}) >= 0`;

/**
 * The mean, from the sum and the count of a histogram.
 *
 * @param {string} histogram
 * @param {string[]} by
 */
export const mean = (histogram, by) =>
  `${perSecond(`${histogram}_sum`, by)} / (${perSecond(`${histogram}_count`, by)} > 0)`;

/**
 * The worst state among the processes, as a number: the place of the state in `states`. For each state there is a series that is
 * 1 while the state holds, and 0 else.
 *
 * @param {string} metric
 * @param {string} label
 * @param {readonly { name: string }[]} states from the best to the worst
 * @param {string[]} by
 */
export function worst(metric, label, states, by) {
  const places = states.map(({ name }, index) => `${index} * (${chosen(metric, `${label}="${name}"`)} == 1)`);
  return `max by (${by.join(', ')}) (${places.join(' or ')})`;
}
