export type { Duration } from '../config/duration.js';
export type { FastifyReplyLike, FastifyRequestLike } from '../http/fastify-adapter.js';
export type { FetchContext } from '../http/fetch-adapter.js';
export type { HttpHandler } from '../http/http-handler.js';
export type { ConnectionManager } from '../manager.js';
export type { Pools } from '../metrics/pools.js';
export { type HealthCheck, type HealthChecks, type HealthReport, healthHandler } from './health-handler.js';
export type { HealthOptions } from './options.js';
export type { EndpointHealth, PoolHealth } from './pool-health.js';
