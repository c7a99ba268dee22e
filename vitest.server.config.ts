import { defineConfig } from 'vitest/config';

/** The tests that have something to ask a real server: see scripts/test-server.mjs. */
export default defineConfig({
  test: {
    include: [
      'test/{hazards,manager,server,session,transactions}/*.test.ts',
      'test/agents/{audit,isolation,limits-in-force,session}.test.ts',
      'test/calls/batch-property.test.ts',
      'test/surrealql/{destructive-statements,read-access}.test.ts',
      'test/wire/{recording-codec,sendable,shared-transports,transport}.test.ts',
      'test/faults/*.test.ts',
    ],
    globalSetup: 'test/support/server-setup.ts',
    pool: 'forks',
    // They share one server, and the database there.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
