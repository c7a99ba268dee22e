import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const display = new URL('../../scripts/step-display.mjs', import.meta.url).href;

/** A step that runs `program`, in a process of its own whose stderr is no terminal. */
function step(program: string): { status: number | null; stdout: string; stderr: string } {
  const command = JSON.stringify([process.execPath, '-e', program]);
  const code = `
    import { showStep } from ${JSON.stringify(display)};
    process.exit(await showStep('doing it', ${command}, { cwd: ${JSON.stringify(fileURLToPath(new URL('../../', import.meta.url)))} }));
  `;
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
}

test('a step says what it does and how long it took, on stderr, and nothing of what the command wrote', () => {
  const { status, stdout, stderr } = step('console.log("much")');
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toMatch(/^surreal-pool: doing it …\nsurreal-pool: doing it: done in \d+\.\d s\n$/);
});

test('a step that fails shows what the command wrote, on both streams, and gives its exit code', () => {
  const { status, stderr } = step('console.log("out"); console.error("err"); process.exitCode = 3');
  expect(status).toBe(3);
  expect(stderr).toMatch(/: failed after \d+\.\d s \(exit code 3\)\n/);
  expect(stderr).toContain('out\n');
  expect(stderr).toContain('err\n');
});

test('a step whose program is not there fails, and says so', () => {
  const code = `
    import { showStep } from ${JSON.stringify(display)};
    process.exit(await showStep('doing it', ['no-such-program'], { cwd: '.' }));
  `;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain('no-such-program');
});
