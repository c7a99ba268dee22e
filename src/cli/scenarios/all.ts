import { burstTraffic } from './bursts.js';
import { connectionChurn } from './churn.js';
import { gracefulShutdown } from './graceful-shutdown.js';
import { healthMonitoring } from './health-monitoring.js';
import { highConcurrency } from './high-concurrency.js';
import { lifetimeRotation } from './lifetime-rotation.js';
import { manyTenants } from './many-tenants.js';
import { readHeavy, writeHeavy } from './mixed-workload.js';
import { retryUnderLoad } from './retry-under-load.js';
import { poolSaturation } from './saturation.js';
import type { Scenario } from './scenario.js';
import {
  batchingAlways,
  batchingOff,
  batchingWaiting,
  pipelining,
  pipeliningOff,
  singleCalls,
} from './single-calls.js';
import { sustainedLoad } from './sustained-load.js';

/** By the names that `--scenario` takes. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'high-concurrency': highConcurrency,
  'sustained-load': sustainedLoad,
  bursts: burstTraffic,
  churn: connectionChurn,
  'single-calls': singleCalls,
  'batching-off': batchingOff,
  'batching-waiting': batchingWaiting,
  'batching-always': batchingAlways,
  'pipelining-off': pipeliningOff,
  pipelining,
  'many-tenants': manyTenants,
  saturation: poolSaturation,
  'retry-under-load': retryUnderLoad,
  'health-monitoring': healthMonitoring,
  'lifetime-rotation': lifetimeRotation,
  'read-heavy': readHeavy,
  'write-heavy': writeHeavy,
  'graceful-shutdown': gracefulShutdown,
};
