export type { ConnectionManager } from '../manager.js';
export type { InstrumentOptions } from './instrument-options.js';
export { type Instrumentation, instrumentPool } from './instrument-pool.js';
