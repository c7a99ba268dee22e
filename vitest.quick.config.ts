import { defineConfig, mergeConfig } from 'vitest/config';
import type { Reporter } from 'vitest/node';
import whole from './vitest.config.js';

/** What `npm run test:quick` leaves to `npm test`: in words, and the files and folders. */
export const leftOut: Readonly<Record<string, readonly string[]>> = {
  'the models and other random programs': [
    'test/agents/isolation.test.ts',
    'test/calls/batch-property.test.ts',
    'test/manager/scope-property.test.ts',
    'test/pool/model.test.ts',
    'test/transactions/bank.test.ts',
    'test/transactions/list-append.test.ts',
    'test/transactions/model.test.ts',
    'test/transactions/own-writes.test.ts',
    'test/transactions/savepoint-differential.test.ts',
    'test/transactions/savepoint-model.test.ts',
  ],
  'chaos, fuzz and load': ['test/chaos', 'test/fuzz', 'test/load'],
  'the command as it is run for seconds': [
    'test/cli/doctor.test.ts',
    'test/cli/load-endpoints.test.ts',
    'test/cli/load-ui.test.ts',
    'test/cli/load.test.ts',
    'test/cli/terminal.test.ts',
    'test/cli/top-terminal.test.ts',
    'test/cli/top.test.ts',
  ],
  'outages and restarts': [
    'test/cluster',
    'test/faults',
    'test/scenarios/one-of-three-dead.test.ts',
    'test/scenarios/ready.test.ts',
    'test/scenarios/recovery.test.ts',
    'test/session/rolling-restart.test.ts',
  ],
  'what waits for time that only passes by itself: the end of sessions and tokens, a blocked loop, the moments of a server':
    [
      'test/hazards/06-session-expiry.test.ts',
      'test/hazards/07-silently-anonymous.test.ts',
      'test/session/credentials.test.ts',
      'test/session/identity.test.ts',
      'test/session/token-end.test.ts',
      'test/time/blocked-loop.test.ts',
      'test/transactions/savepoint-cases/moments.test.ts',
    ],
  'Prometheus and promtool': ['test/monitoring/prometheus.test.ts', 'test/monitoring/rules.test.ts'],
  'the pages of docs, the examples and the build': [
    'test/docs',
    'test/hazards/compatibility.test.ts',
    'test/project/build.test.ts',
    'test/project/package.test.ts',
  ],
};

/** Says at the start and at the end that this is not the whole. */
function say(): void {
  console.log('\nsurreal-pool: these are the quick tests. What `npm test` runs besides:');
  for (const what of Object.keys(leftOut)) console.log(`  - ${what}`);
}
const reminder: Reporter = { onInit: say, onTestRunEnd: say };

export default mergeConfig(
  whole,
  defineConfig({
    test: {
      exclude: Object.values(leftOut)
        .flat()
        .map((path) => (path.endsWith('.ts') ? path : `${path}/**`)),
      reporters: ['default', reminder],
    },
  }),
);
