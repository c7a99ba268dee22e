// Tries the package in other runtimes, bundlers and compilers, each a small project in a folder beside this file, as a
// user would: the package is packed, the project is copied to a temporary folder, installed and run.
//   npm run test:runtimes                  all of them
//   npm run test:runtimes -- esbuild next  these
// A project has done its work when its command ends by itself, with code 0, and has said "done" for each address: mem://,
// and a server where there is one (SURREALDB_URL, or a `surreal` on the PATH). What cannot be installed is called skipped.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const timeouts = { install: 300_000, run: 180_000 };
const windows = process.platform === 'win32';

/** @typedef {{ name: string, result: 'works' | 'FAILED' | 'skipped', note: string, seconds: number }} Row */

const all = readdirSync(here).filter((name) => existsSync(join(here, name, 'package.json')));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`surreal-pool: no such project: ${unknown.join(', ')}. There are: ${all.join(', ')}`);
  process.exit(2);
}

const temporary = mkdtempSync(join(tmpdir(), 'surreal-pool-runtimes-'));
const server = await startServer();
try {
  const tarball = pack();
  const environment = {
    ...process.env,
    ADDRESSES: ['mem://', ...(server === undefined ? [] : [server.url])].join(' '),
    DB_USER: server?.user ?? '',
    DB_PASSWORD: server?.password ?? '',
    // What tells these tools that a person looks at them, or that they run inside of another one.
    NO_COLOR: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    NODE_OPTIONS: '',
  };
  console.log(`surreal-pool: Node ${process.version}, ${server?.what ?? 'without a server: mem:// only'}`);
  /** @type {Row[]} */
  const rows = [];
  for (const name of asked.length > 0 ? asked : all) rows.push(await attempt(name, tarball, environment));
  console.log(`\n${table(rows)}`);
  const failed = rows.filter(({ result }) => result === 'FAILED');
  const skipped = rows.filter(({ result }) => result === 'skipped');
  console.log(
    `\n${rows.length - failed.length - skipped.length} work, ${failed.length} failed, ${skipped.length} skipped`,
  );
  process.exitCode = failed.length > 0 ? 1 : 0;
} finally {
  server?.stop();
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
}

/** @returns {string} the path of the package, as npm would publish it */
function pack() {
  const packing = spawnSync('npm', ['pack', '--pack-destination', temporary], {
    cwd: root,
    encoding: 'utf8',
    shell: windows,
  });
  const tarball = readdirSync(temporary).find((name) => name.endsWith('.tgz'));
  if (packing.status !== 0 || tarball === undefined) throw new Error(`npm pack failed: ${packing.stderr}`);
  return join(temporary, tarball);
}

/**
 * Installs a project and runs its command `npm test`.
 *
 * @param {string} name @param {string} tarball @param {NodeJS.ProcessEnv} environment @returns {Promise<Row>}
 */
async function attempt(name, tarball, environment) {
  const began = performance.now();
  /** @type {(result: Row['result'], note: string) => Row} */
  const row = (result, note) => ({ name, result, note, seconds: (performance.now() - began) / 1000 });
  const folder = join(temporary, name);
  cpSync(join(here, name), folder, { recursive: true });
  cpSync(join(here, 'program.mjs'), join(folder, 'program.mjs'));
  if (name.startsWith('typescript')) cpSync(join(here, 'program.ts'), join(folder, 'main.ts'));
  addPackage(join(folder, 'package.json'), tarball);
  console.log(`\n${name}`);
  const description = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const installed = await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error'],
    folder,
    environment,
    timeouts.install,
  );
  if (installed.code !== 0) {
    console.log(installed.output);
    // Without a registry npm may say anything; with one, what it refuses for what the packages say of themselves is a failure.
    const registry = await run('npm', ['view', 'surrealdb', 'version'], folder, environment, 60_000);
    if (registry.code !== 0) return row('skipped', 'the registry is out of reach');
    if (/ERESOLVE|EBADENGINE|ETARGET/.test(installed.output)) return row('FAILED', 'npm does not install it');
    return row('skipped', `npm install: ${installed.why}`);
  }
  for (const [binary, ...question] of description.needs ?? []) {
    const { code, output } = await run('npx', ['--no-install', binary, ...question], folder, environment, 60_000);
    if (code !== 0) return row('skipped', `${binary} does not start here: ${output.trim().split('\n')[0] ?? ''}`);
  }
  const { code, why, output } = await run('npm', ['test', '--silent'], folder, environment, timeouts.run);
  console.log(output);
  if (code !== 0) return row('FAILED', why);
  const missing = (environment.ADDRESSES ?? '').split(' ').filter((address) => !output.includes(`done ${address}`));
  if (missing.length > 0) return row('FAILED', `did not say that it was done with ${missing.join(' ')}`);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return row('works', server === undefined ? 'mem://' : 'mem:// and a socket');
}

/** What every project depends on is not said in each of them. @param {string} path @param {string} tarball */
function addPackage(path, tarball) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const description = JSON.parse(readFileSync(path, 'utf8'));
  description.dependencies = {
    'surreal-pool': `file:${tarball}`,
    surrealdb: own.peerDependencies.surrealdb,
    '@surrealdb/node': own.peerDependencies['@surrealdb/node'],
    ...description.dependencies,
  };
  writeFileSync(path, JSON.stringify(description, undefined, 2));
}

/**
 * @param {string} command @param {string[]} parameters @param {string} cwd @param {NodeJS.ProcessEnv} env
 * @param {number} timeout @returns {Promise<{ code: number | null, why: string, output: string }>}
 */
function run(command, parameters, cwd, env, timeout) {
  return new Promise((ended) => {
    const child = spawn(command, parameters, {
      cwd,
      env,
      shell: windows,
      detached: !windows,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let late = false;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const timer = setTimeout(() => {
      late = true;
      // With what it started: npm does not hand a signal on.
      if (windows || child.pid === undefined) child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    }, timeout);
    child.on('error', (error) => (output += error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      const why = late ? `did not end within ${timeout / 1000} s` : `exit code ${code}`;
      ended({ code: late ? null : code, why, output });
    });
  });
}

/** @param {Row[]} rows */
function table(rows) {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map(
      ({ name, result, seconds, note }) =>
        `${name.padEnd(width)}  ${result.padEnd(7)}  ${seconds.toFixed(0).padStart(3)} s  ${note}`,
    )
    .join('\n');
}

/** @returns {Promise<{ url: string, what: string, user: string, password: string, stop(): void } | undefined>} */
async function startServer() {
  const { SURREALDB_URL, SURREALDB_USER: user = 'root', SURREALDB_PASSWORD: password = 'secret' } = process.env;
  if (SURREALDB_URL) return { url: SURREALDB_URL, what: SURREALDB_URL, user, password, stop() {} };
  const version = spawnSync('surreal', ['version'], { encoding: 'utf8' });
  if (version.status !== 0) return undefined;
  const port = await freePort();
  const parameters = [
    'start',
    '--bind',
    `127.0.0.1:${port}`,
    '--user',
    user,
    '--pass',
    password,
    '--log',
    'none',
    'memory',
  ];
  const child = spawn('surreal', parameters, { stdio: 'ignore' });
  for (let attempts = 0; attempts < 100; attempts++) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) {
      return {
        url: `ws://127.0.0.1:${port}`,
        what: version.stdout.trim(),
        user,
        password,
        stop: () => void child.kill(),
      };
    }
    await sleep(100);
  }
  child.kill();
  throw new Error('the surreal on the PATH does not start');
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.on('error', failed).listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
