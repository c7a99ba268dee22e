import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // As in vitest.config.ts.
    css: { include: [/console\/page/] },
    include: ['test/soak/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  },
});
