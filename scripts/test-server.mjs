// Runs the tests that can use a real server against one: the server at SURREALDB_URL (user SURREALDB_USER, password
// SURREALDB_PASSWORD), else one started by the `surreal` on the PATH. Without either it says that it skips them.
// A server of your own has to store in rocksdb: in memory it loses updates, and the tests count exactly.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { SURREALDB_URL } = process.env;

/** What the `surreal` on the PATH says it is. */
function installed() {
  const { status, stdout } = spawnSync('surreal', ['version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

const server = SURREALDB_URL ?? installed();
if (server === undefined) {
  console.log('surreal-pool: skipped the tests against a real server: no SURREALDB_URL, and no surreal on the PATH');
  process.exit();
}
console.log(`surreal-pool: testing against ${server}`);

const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const parameters = ['run', '--config', 'vitest.server.config.ts', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [vitest, ...parameters], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
