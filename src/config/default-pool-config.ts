import * as v from 'valibot';
import { completed, type ResolvedPoolConfig } from './pool-options.js';
import { poolConfigSchema } from './pool-schema.js';

/** What each option of the pool is when it is left out. */
export const defaultPoolConfig: ResolvedPoolConfig = completed(v.parse(poolConfigSchema, {}), false);
