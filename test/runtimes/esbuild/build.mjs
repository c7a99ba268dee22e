// Each way to bundle is run where there is no node_modules but that of the native engine, as on a Lambda.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
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
for (const [outfile, options] of Object.entries(ways)) {
  const folder = join(process.cwd(), 'elsewhere', outfile);
  await build({ ...common, ...options, outfile: join(folder, outfile) });
  mkdirSync(join(folder, 'node_modules/@surrealdb'), { recursive: true });
  cpSync('node_modules/@surrealdb/node', join(folder, 'node_modules/@surrealdb/node'), { recursive: true });
  cpSync('node_modules/surrealdb', join(folder, 'node_modules/surrealdb'), { recursive: true });
  const { status } = spawnSync(process.execPath, [outfile], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${outfile} ended with ${status}`);
}

// Without the native engine, for a server: one file, and nothing beside it.
