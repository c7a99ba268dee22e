import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/soak/**', 'test/server/**', 'node_modules/**'],
    // Native engines live in the worker: a process of its own per file keeps one file's engine out of the next.
    pool: 'forks',
    // By default it leaves one core free, which is half of a machine with two. Much of what a file takes is waiting for
    // clocks of servers, so that two to a core would do; but what runs in a faster time needs a core that is free.
    maxWorkers: '100%',
    // A ceiling for a test that hangs, not a measure: the machine may be slow and shared.
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
