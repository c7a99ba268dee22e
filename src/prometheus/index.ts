export type { FastifyReplyLike, FastifyRequestLike } from '../http/fastify-adapter.js';
export type { FetchContext } from '../http/fetch-adapter.js';
export type { HttpHandler } from '../http/http-handler.js';
export type { ConnectionManager } from '../manager.js';
export type { Pools } from '../metrics/pools.js';
export type { PrometheusOptions } from './options.js';
export { type PromClientRegistry, registerWith } from './prom-client.js';
export { metricsHandler, prometheusText } from './prometheus-text.js';
