// Shows that the tests bite: makes each fault of test/mutation/faults.mjs in a copy of the project, one at a time, and
// has its tests run. A fault that no test notices has survived, and the check fails.
//   npm run test:mutation [-- words of a fault's name]
//   npm run test:mutation -- --list       only says where each fault would be made, or that its place is gone
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faults } from '../test/mutation/faults.mjs';
import { lineOf, placesOf, readSources } from '../test/mutation/places.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const parameters = process.argv.slice(2);
const words = parameters.filter((word) => word !== '--list').join(' ');
const chosen = faults.filter(({ name }) => name.includes(words));
if (parameters.includes('--list')) process.exit(list() ? 0 : 1);

const copy = mkdtempSync(join(tmpdir(), 'surreal-pool-mutation-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));

for (const name of ['src', 'dist', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
  cpSync(join(root, name), join(copy, name), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
// The long random runs are not needed: what they find, a test by name finds as well.
rmSync(join(copy, 'test/pool/model.test.ts'));

const suites = [...new Set(chosen.flatMap(({ tests }) => tests))];
if (!pass(suites, 'inherit')) {
  console.error('surreal-pool: the tests do not even pass without a fault');
  process.exit(1);
}

let survived = 0;
for (const { fault, places } of located()) {
  const { name, to, tests } = fault;
  const [place] = places;
  if (place === undefined || places.length > 1) {
    console.log(`outdated  ${name}: its text stands ${places.length} times in src`);
    survived++;
    continue;
  }
  const path = join(copy, 'src', place.file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, source.slice(0, place.start) + to + source.slice(place.end));
  const noticed = !pass(tests);
  writeFileSync(path, source);
  console.log(`${noticed ? 'noticed  ' : 'SURVIVED '} ${name}`);
  if (!noticed) survived++;
}
console.log(`${chosen.length - survived} passed, ${survived} failed`);
process.exit(survived === 0 ? 0 : 1);

/** The chosen faults and all the places where each could be made: one, as long as its text is right. */
function located() {
  const sources = readSources(join(root, 'src'));
  return chosen.map((fault) => ({ fault, places: placesOf(sources, fault) }));
}

/** Says where each fault would be made, and whether every one of them has exactly one place. */
function list() {
  const sources = readSources(join(root, 'src'));
  const all = located();
  for (const { fault, places } of all) {
    const where = places.map((place) => `src/${place.file}:${lineOf(sources, place)}`).join(', ');
    console.log(`${places.length === 1 ? 'found   ' : 'OUTDATED'}  ${fault.name}: ${where || 'nowhere in src'}`);
  }
  return all.every(({ places }) => places.length === 1);
}

/** @param {readonly string[]} tests @param {import('node:child_process').StdioOptions} stdio */
function pass(tests, stdio = 'ignore') {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const options = ['run', '--bail=1', '--reporter=dot', '--testTimeout=30000', ...tests];
  const { status } = spawnSync(process.execPath, [vitest, ...options], {
    cwd: copy,
    stdio,
    timeout: 300_000,
  });
  return status === 0;
}
