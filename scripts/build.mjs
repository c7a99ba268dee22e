// Makes dist/ of src/: tsc checks it and writes the declarations, rolldown writes the code, in few files, because a
// process reads 200 modules much slower than one, and the declarations in one. It is made beside dist/ and moved there as a
// whole: a program that uses dist/ meanwhile, such as tests under way, finds the old package or the new one; and what does
// not compile replaces nothing.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { withoutBlanks, withShortNames } from './short-names.mjs';

const compiled = `dist.${process.pid}`;
/** The declarations of each module, before they are in one file. */
const declared = `${compiled}.declared`;
const replaced = [];
const mostAttempts = 50;

const { exports, dependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
/** What users import, by the file in `dist/`: the package and its subpaths, each of which is a folder in `src/`. */
const entries = Object.keys(exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => (path === '.' ? ['index', 'index'] : [path.slice(2), `${path.slice(2)}/index`]));
const entriesIn = (folder, extension) =>
  Object.fromEntries(entries.map(([name, file]) => [name, `${folder}/${file}${extension}`]));
const external = [/^node:/, ...Object.keys({ ...dependencies, ...peerDependencies })];

/** Checks the types and writes the declarations. @returns the exit code */
function declare() {
  const parameters = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', declared];
  return spawnSync(process.execPath, parameters, { stdio: 'inherit' }).status ?? 1;
}

/** Writes what a user's compiler reads: the exported declarations and what they name, in one file for each entry, with their comments. */
async function bundleDeclarations() {
  const declarations = await rolldown({
    input: entriesIn(declared, '.d.ts'),
    external,
    // Else it names the folders of this build, and no two builds are alike.
    experimental: { attachDebugInfo: 'none' },
    plugins: [dts({ dtsInput: true, emitDtsOnly: true, sourcemap: false })],
  });
  await declarations.write({ dir: compiled, chunkFileNames: 'parts/[name].ts' });
  await declarations.close();
}

/** Puts the files of the live page into the package as texts: `import text from './page/page.css?raw'`, as vitest does it. */
const filesAsTexts = {
  name: 'files as texts',
  resolveId(source, importer) {
    return source.endsWith('?raw') && importer !== undefined ? resolve(dirname(importer), source) : null;
  },
  load(id) {
    if (!id.endsWith('?raw')) return null;
    const file = id.slice(0, -'?raw'.length);
    return {
      code: `export default ${JSON.stringify(withoutBlanks(file, readFileSync(file, 'utf8')))};`,
      moduleType: 'js',
    };
  },
};

/**
 * Writes the package and its command, each an entry. What both use is in a file of its own: a class must not be there
 * twice in one process. So is what is loaded only where it is needed (`import()`).
 */
async function bundle() {
  const packages = await rolldown({
    input: {
      ...entriesIn('src', '.ts'),
      'cli/main': 'src/cli/main.ts',
      // Programs of their own, which the command starts.
      'cli/cluster-store': 'src/cli/cluster/store-program.ts',
      'cli/cluster-server': 'src/cli/cluster/server-program.ts',
    },
    external,
    platform: 'node',
    plugins: [filesAsTexts],
    tsconfig: 'tsconfig.build.json',
  });
  const { output } = await packages.write({
    dir: compiled,
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name].js',
    // The comments are in the declarations, and in the sources.
    comments: false,
  });
  await packages.close();
  for (const file of output) {
    // After the bundler, which would lay out anew what a plugin gives it.
    if (file.type === 'chunk') writeFileSync(`${compiled}/${file.fileName}`, withShortNames(file.fileName, file.code));
  }
}

/** There is no exchange of two folders in one step; so the old one is out of the way for a moment. */
function replace() {
  if (existsSync('dist')) {
    const aside = `${compiled}.${replaced.length}`;
    renameSync('dist', aside);
    replaced.push(aside);
  }
  renameSync(compiled, 'dist');
}

try {
  process.exitCode = declare();
  if (process.exitCode === 0) {
    await bundle();
    await bundleDeclarations();
    chmodSync(`${compiled}/cli/main.js`, 0o755);
    for (let attempt = 1; existsSync(compiled); attempt++) {
      try {
        replace();
      } catch (error) {
        // Another build was faster, or a program has a file of it open, which keeps a folder in its place on Windows.
        if (attempt === mostAttempts) throw error;
        await sleep(100);
      }
    }
  }
} finally {
  for (const folder of [compiled, declared, ...replaced]) rmSync(folder, { recursive: true, force: true });
}
