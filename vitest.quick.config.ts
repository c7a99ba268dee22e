import { defineConfig, mergeConfig } from 'vitest/config';
import whole from './vitest.config.js';

/** What `npm run test:quick` leaves to `npm test`: in words, and the files and folders. */
export const leftOut: Readonly<Record<string, readonly string[]>> = {
  'the models and other random programs': [
    'test/calls/batch-property.test.ts',
    'test/pool/model.test.ts',
    'test/transactions/bank.test.ts',
    'test/transactions/list-append.test.ts',
    'test/transactions/model.test.ts',
    'test/transactions/own-writes.test.ts',
    'test/transactions/savepoint-differential.test.ts',
    'test/transactions/savepoint-model.test.ts',
  ],
  'chaos, fuzz and load': ['test/chaos', 'test/fuzz', 'test/load', 'test/cli/load.test.ts'],
  'outages and restarts': [
    'test/scenarios/one-of-three-dead.test.ts',
    'test/scenarios/ready.test.ts',
    'test/scenarios/recovery.test.ts',
    'test/session/rolling-restart.test.ts',
  ],
  'what waits for the end of sessions and tokens, which servers count in whole seconds': [
    'test/hazards/06-session-expiry.test.ts',
    'test/session/credentials.test.ts',
    'test/session/identity.test.ts',
    'test/session/token-end.test.ts',
  ],
  'the pages of docs, the examples and the build': ['test/docs', 'test/project/build.test.ts'],
};

export default mergeConfig(
  whole,
  defineConfig({
    test: {
      exclude: Object.values(leftOut)
        .flat()
        .map((path) => (path.endsWith('.ts') ? path : `${path}/**`)),
      globalSetup: 'test/support/quick-setup.ts',
    },
  }),
);
