// Compiles main.ts as a file of CommonJS and as a module, with each kind of modules and of resolution, and runs what comes out.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';

cpSync('main.ts', 'main.mts');
const tsc = [
  'node_modules/typescript/bin/tsc',
  '--target',
  'es2022',
  '--lib',
  'es2023,esnext.disposable',
  '--types',
  'node',
  '--strict',
];

/** @type {{ module: string, moduleResolution: string, file: string, refused?: string }[]} */
const ways = [
  { module: 'commonjs', moduleResolution: 'node10', file: 'main.ts' },
  { module: 'node16', moduleResolution: 'node16', file: 'main.mts' },
  { module: 'node18', moduleResolution: 'node16', file: 'main.mts' },
  { module: 'node20', moduleResolution: 'node16', file: 'main.mts' },
  { module: 'node20', moduleResolution: 'node16', file: 'main.ts' },
  { module: 'nodenext', moduleResolution: 'nodenext', file: 'main.mts' },
  { module: 'nodenext', moduleResolution: 'nodenext', file: 'main.ts' },
  { module: 'esnext', moduleResolution: 'bundler', file: 'main.mts' },
  // These two kinds know nothing of require() of a module; the SDK is refused by the same words.
  { module: 'node16', moduleResolution: 'node16', file: 'main.ts', refused: 'TS1479' },
  { module: 'node18', moduleResolution: 'node16', file: 'main.ts', refused: 'TS1479' },
];
for (const { module, moduleResolution, file, refused } of ways) {
  const name = `${file} with module ${module} and moduleResolution ${moduleResolution}`;
  const outDir = `out/${module}-${file}`;
  const options = ['--module', module, '--moduleResolution', moduleResolution, '--outDir', outDir, file];
  const compiled = spawnSync(process.execPath, [...tsc, ...options], { encoding: 'utf8' });
  if (refused !== undefined) {
    const packages = ['surreal-pool', 'surrealdb'].filter(
      (one) => compiled.stdout.includes(`('${one}')`) || compiled.stdout.includes(one),
    );
    if (compiled.status === 0 || !compiled.stdout.includes(refused) || packages.length !== 2)
      throw new Error(`${name} was not refused with ${refused}: ${compiled.stdout}`);
    console.log(`${name}: ${refused}, as docs/runtimes.md says`);
    continue;
  }
  if (compiled.status !== 0) throw new Error(`${name} does not compile: ${compiled.stdout}`);
  const run = spawnSync(process.execPath, [`${outDir}/${file.replace('ts', 'js')}`], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${name} does not run: ${run.stderr}`);
  console.log(`${name}:\n${run.stdout}`);
}
