import { defineConfig } from 'vitest/config';

/** What opens no engine and leaves nothing in its process: these files share one, as a new one takes longer than most of them. */
const together = ['test/{config,endpoints,pool}/**/*.test.ts'];

export default defineConfig({
  test: {
    // The style of the live page, which is read as text: by default every style is empty in tests.
    css: { include: [/console\/page/] },
    exclude: ['test/soak/**', 'test/server/**', 'node_modules/**'],
    projects: [
      {
        extends: true,
        test: {
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: together,
          // Native engines live in the worker: a process of its own per file keeps one file's engine out of the next.
          pool: 'forks',
        },
      },
      { extends: true, test: { name: 'together', include: together, pool: 'forks', isolate: false } },
    ],
    // By default a core is left free: half of a machine that has two. Not more than one file to a core, although many
    // wait most of the time: what runs in a faster time has to have a core when it needs one.
    maxWorkers: '100%',
    // A ceiling for a test that hangs, not a measure: the machine may be slow and shared.
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
