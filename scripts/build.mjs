// Compiles src/ and makes the command executable. It is compiled beside dist/ and moved there as a whole: whoever uses
// dist/ meanwhile, such as tests under way, finds the old package or the new one; and what does not compile replaces
// nothing.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const compiled = `dist.${process.pid}`;
const replaced = [];
const mostAttempts = 50;

/** There is no exchange of two folders in one step; so the old one is out of the way for a moment. */
function replace() {
  if (existsSync('dist')) {
    const aside = `${compiled}.${replaced.length}`;
    renameSync('dist', aside);
    replaced.push(aside);
  }
  renameSync(compiled, 'dist');
}

try {
  const parameters = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', compiled];
  process.exitCode = spawnSync(process.execPath, parameters, { stdio: 'inherit' }).status ?? 1;
  if (process.exitCode === 0) {
    chmodSync(`${compiled}/cli/main.js`, 0o755);
    for (let attempt = 1; existsSync(compiled); attempt++) {
      try {
        replace();
      } catch (error) {
        // Another build was faster, or somebody has a file of it open, which keeps a folder in its place on Windows.
        if (attempt === mostAttempts) throw error;
        await sleep(100);
      }
    }
  }
} finally {
  for (const folder of [compiled, ...replaced]) rmSync(folder, { recursive: true, force: true });
}
