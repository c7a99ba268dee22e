// Writes the table of docs/compatibility.md anew: the column of the embedded engine, and that of each server named.
// node scripts/compatibility.mjs [folder of a `surreal`]...
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const file = 'test/hazards/compatibility.test.ts';

function write(parameters, path) {
  const env = { ...process.env, COMPATIBILITY: 'write', PATH: path };
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...parameters, file], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

write([], process.env.PATH);
for (const folder of process.argv.slice(2)) {
  write(['--config', 'vitest.server.config.ts'], `${resolve(folder)}${delimiter}${process.env.PATH}`);
}
