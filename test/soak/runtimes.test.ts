import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the package works in every runtime, bundler and compiler that can be installed', () => {
  const script = fileURLToPath(new URL('../runtimes/run.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  // The table at its end names what was skipped.
  console.log(stdout.split('\n\n').slice(-2).join('\n'));
  expect(status, stdout + stderr).toBe(0);
  // A machine without a registry shows nothing.
  expect(stdout).toMatch(/^[1-9]\d* work, 0 failed/m);
});
