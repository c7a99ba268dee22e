import { type HttpHandler, httpHandler } from '../http/http-handler.js';
import { methodNotAllowed, reads } from '../http/replies.js';
import { type Pools, requirePools } from '../metrics/pools.js';
import { type PrometheusOptions, readPrometheusOptions } from './options.js';
import { Scraper, shownFamilies } from './scrape.js';
import { contentType, textOf } from './text-format.js';

/**
 * The metrics of pools in Prometheus' text format (version 0.0.4), for an endpoint of your own; its content type is
 * `text/plain; version=0.0.4; charset=utf-8`. It reads what the pools have counted, and sends nothing. A pool that is shut down
 * stays, with its last counts. Of two pools of one name the older one keeps it, and the next is called `name (2)`.
 *
 * @param pools a pool, a list of pools, or a function that gives them
 * @throws UsageError for anything else than pools, ConfigurationError for an option that cannot be used
 */
export function prometheusText(pools: Pools, options: PrometheusOptions = {}): string {
  const read = readPrometheusOptions(options);
  return textOf(shownFamilies(read), new Scraper(pools, read).scrape());
}

/**
 * A handler that answers Prometheus, at whatever path it is mounted: {@link prometheusText} with its content type. It answers GET
 * and HEAD; a function `pools` that throws becomes a reply 500 and a warning of the process.
 *
 * @param pools a pool, a list of pools, or a function that gives those that are there now
 * @throws UsageError for anything else than pools, ConfigurationError for an option that cannot be used
 */
export function metricsHandler(pools: Pools, options: PrometheusOptions = {}): HttpHandler {
  const read = readPrometheusOptions(options);
  requirePools(pools);
  const shown = shownFamilies(read);
  const scraper = new Scraper(pools, read);
  return httpHandler(({ method }) => {
    if (!reads(method)) return methodNotAllowed(['GET', 'HEAD']);
    const headers = { 'content-type': contentType, 'cache-control': 'no-store' };
    return { status: 200, headers, body: textOf(shown, scraper.scrape()) };
  });
}
