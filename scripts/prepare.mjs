// What both commands of the README need before they run, done only where it is missing or out of date:
// the dependencies (npm ci) and, when asked for ("build"), the compiled package in dist/.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const changedAt = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);

const newestIn = (folder) =>
  Math.max(0, ...readdirSync(join(root, folder), { recursive: true }).map((name) => changedAt(join(folder, name))));

function run(what, command, ...parameters) {
  console.log(`surreal-pool: ${what}`);
  const { status } = spawnSync(command, parameters, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  run('installing the dependencies (npm ci)', 'npm', 'ci', '--loglevel=error');
}
if (
  process.argv.includes('build') &&
  changedAt('dist/index.js') < Math.max(newestIn('src'), changedAt('tsconfig.build.json'))
) {
  run('compiling src/ to dist/', 'npm', 'run', '--silent', 'build');
}
