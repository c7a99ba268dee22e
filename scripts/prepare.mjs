// What both commands of the README need before they run, done only where it is missing or out of date:
// the dependencies (npm ci) and, when asked for ("build"), the compiled package in dist/.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { showStep } from './step-display.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const changedAt = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);

const newestIn = (folder) =>
  Math.max(0, ...readdirSync(join(root, folder), { recursive: true }).map((name) => changedAt(join(folder, name))));

/** How many of the packages in the lock file are there, in words. Those of other systems are left out by npm. */
function packagesThere() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const wanted = Object.entries(packages).filter(([path, { optional }]) => path !== '' && !optional);
  const there = wanted.filter(([path]) => existsSync(join(root, path, 'package.json')));
  return `${there.length} of ${wanted.length} packages`;
}

const steps = [
  {
    what: 'installing packages (npm ci)',
    needed: () => changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json'),
    command: ['npm', 'ci', '--loglevel=error', '--no-audit', '--no-fund'],
    progress: packagesThere,
  },
  {
    what: 'compiling src/ to dist/',
    needed: () =>
      process.argv.includes('build') &&
      changedAt('dist/index.js') < Math.max(newestIn('src'), changedAt('tsconfig.build.json')),
    command: ['npm', 'run', '--silent', 'build'],
  },
].filter(({ needed }) => needed());

for (const [index, { what, command, progress }] of steps.entries()) {
  const title = steps.length === 1 ? what : `${index + 1} of ${steps.length}, ${what}`;
  const code = await showStep(title, command, { cwd: root, progress });
  if (code !== 0) process.exit(code);
}
