// Shows that the tests bite: makes each fault of test/mutation/faults.mjs in a copy of the project, one at a time, and
// has its tests run. A fault that no test notices has survived, and the check fails.
//   npm run test:mutation [-- words of a fault's name]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faults } from '../test/mutation/faults.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const copy = mkdtempSync(join(tmpdir(), 'surreal-pool-mutation-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));

for (const name of ['src', 'dist', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
  cpSync(join(root, name), join(copy, name), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

/** @param {readonly string[]} tests @param {import('node:child_process').StdioOptions} stdio */
function pass(tests, stdio = 'ignore') {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const parameters = ['run', '--bail=1', '--reporter=dot', '--testTimeout=30000', ...tests];
  // The long random runs are not needed: what they find, a test by name finds as well.
  const { status } = spawnSync(process.execPath, [vitest, ...parameters, '--exclude=test/pool/model.test.ts'], {
    cwd: copy,
    stdio,
    timeout: 300_000,
  });
  return status === 0;
}

const words = process.argv.slice(2).join(' ');
const chosen = faults.filter(({ name }) => name.includes(words));
const suites = [...new Set(chosen.flatMap(({ tests }) => tests))];
if (!pass(suites, 'inherit')) {
  console.error('surreal-pool: the tests do not even pass without a fault');
  process.exit(1);
}

let survived = 0;
for (const { name, file, from, to, tests } of chosen) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(from).length - 1;
  if (places !== 1) {
    console.log(`outdated  ${name}: its text stands ${places} times in ${file}`);
    survived++;
    continue;
  }
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const noticed = !pass(tests);
  writeFileSync(path, source);
  console.log(`${noticed ? 'noticed  ' : 'SURVIVED '} ${name}`);
  if (!noticed) survived++;
}
console.log(`${chosen.length - survived} passed, ${survived} failed`);
process.exit(survived === 0 ? 0 : 1);
