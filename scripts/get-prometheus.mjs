// Gets Prometheus, which some tests scrape and ask with, from the packages of Debian: into a folder of this project, with nothing
// installed. It does nothing where Prometheus is there already, or where there is no apt-get; then those tests say that they
// are skipped. It never fails: without Prometheus all other tests run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.cache/prometheus/', import.meta.url));
/** In milliseconds: a machine without a network would wait for minutes. */
const longest = 60_000;

const { PATH = '', PROMETHEUS_BIN } = process.env;
const places = [PROMETHEUS_BIN, join(folder, 'usr/bin'), ...PATH.split(delimiter)];
const isThere = places.some((place) => place && existsSync(join(place, 'promtool')));

/** @param {string} command @param {string[]} parameters */
const succeeds = (command, ...parameters) =>
  spawnSync(command, parameters, { cwd: folder, timeout: longest, stdio: 'ignore' }).status === 0;

/** Is there when an attempt failed: without a network each would take as long. */
const failed = join(folder, 'failed');
const day = 86_400_000;
const failedLately = existsSync(failed) && Date.now() - statSync(failed).mtimeMs < day;

if (!isThere && !failedLately && process.platform === 'linux') {
  mkdirSync(folder, { recursive: true });
  const isGot = succeeds('apt-get', 'download', 'prometheus');
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (isGot && archive !== undefined && succeeds('dpkg', '-x', archive, '.')) {
    console.log('surreal-pool: got Prometheus from the packages of Debian, for the tests that use it');
  } else {
    writeFileSync(failed, '');
  }
  if (archive !== undefined) rmSync(join(folder, archive));
}
