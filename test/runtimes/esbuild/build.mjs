// Each bundle is run where there is no node_modules, as on a Lambda, and where there is only the native engine.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

// ws is written in CommonJS and calls require(), which a module has not.
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
const common = {
  entryPoints: ['main.mjs'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  external: ['@surrealdb/node'],
};
const ways = {
  'esm.mjs': { format: 'esm', banner },
  'esm-minified.mjs': { format: 'esm', banner, minify: true, keepNames: true },
  'commonjs.cjs': { format: 'cjs', entryPoints: ['main-commonjs.mjs'] },
};
const { ADDRESSES = 'mem://' } = process.env;
const servers = ADDRESSES.split(' ').filter((address) => address !== 'mem://');

/** @param {string} folder @param {string} file @param {string} addresses */
function run(folder, file, addresses) {
  const env = { ...process.env, ADDRESSES: addresses };
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', env });
  return { succeeded: status === 0, output: stdout + stderr };
}

for (const [outfile, options] of Object.entries(ways)) {
  // Outside of this project: else Node would find its node_modules.
  const folder = mkdtempSync(join(tmpdir(), 'surreal-pool-esbuild-'));
  await build({ ...common, ...options, outfile: join(folder, outfile) });

  // One file and nothing beside it: a server can be reached, and without its engine mem:// is refused in words.
  if (servers.length > 0) expectSuccess(`${outfile} alone`, run(folder, outfile, servers.join(' ')));
  const { output } = run(folder, outfile, 'mem://');
  if (!output.includes('npm install @surrealdb/node')) throw new Error(`${outfile} without an engine: ${output}`);

  // With the native engine, which imports the SDK itself.
  mkdirSync(join(folder, 'node_modules/@surrealdb'), { recursive: true });
  for (const name of ['@surrealdb/node', 'surrealdb', '@surrealdb/sqon'])
    if (existsSync(join('node_modules', name)))
      cpSync(join('node_modules', name), join(folder, 'node_modules', name), { recursive: true });
  expectSuccess(`${outfile} with the engine`, run(folder, outfile, ADDRESSES));
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} name @param {{ succeeded: boolean, output: string }} result */
function expectSuccess(name, { succeeded, output }) {
  if (!succeeded) throw new Error(`${name}: ${output}`);
  console.log(`${name}:\n${output}`);
}
