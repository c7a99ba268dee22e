import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';

const project = fileURLToPath(new URL('../../', import.meta.url));

/** A project as small as can be, with a package built from it before. */
let folder: string;
const inFolder = (path: string) => join(folder, path);
const write = (path: string, text: string) => writeFileSync(inFolder(path), text);
const folders = () => readdirSync(folder).sort();

function build(): Promise<{ succeeded: boolean; output: string }> {
  return new Promise((ended) => {
    execFile(process.execPath, ['scripts/build.mjs'], { cwd: folder }, (error, stdout, stderr) => {
      ended({ succeeded: error === null, output: stdout + stderr });
    });
  });
}

beforeEach(() => {
  folder = temporaryFolder();
  for (const path of ['package.json', 'scripts', 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(join(project, path), inFolder(path), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), inFolder('node_modules'), 'junction');
  const { exports } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const subpaths = Object.keys(exports).flatMap((path) => /^\.\/(\w+)$/.exec(path)?.[1] ?? []);
  for (const path of ['cli/cluster', ...subpaths]) mkdirSync(inFolder(`src/${path}`), { recursive: true });
  mkdirSync(inFolder('dist'));
  for (const path of subpaths) write(`src/${path}/index.ts`, `export const ${path}: string = '${path}';\n`);
  write('src/index.ts', 'export const answer: number = 42;\n');
  for (const name of ['main', 'cluster/store-program', 'cluster/server-program']) {
    write(`src/cli/${name}.ts`, 'console.log(42);\n');
  }
  write('dist/index.js', 'old');
  write('dist/removed.js', 'old');
});

describe('a build', () => {
  test('replaces dist/ as a whole: nothing old is left, and nothing beside it', async () => {
    const before = folders();
    expect(await build()).toMatchObject({ succeeded: true });
    expect(readFileSync(inFolder('dist/index.js'), 'utf8')).toContain('42');
    expect(existsSync(inFolder('dist/removed.js'))).toBe(false);
    expect(folders()).toEqual(before);
  });

  test('has each class once, however many entries use it, and in a file of its own what is loaded later', async () => {
    write(
      'src/shared.ts',
      'export class Shared { readonly word: string = "shared"; }\nexport const later = (): Promise<unknown> => import("./later.js");\n',
    );
    write('src/later.ts', 'export class Later { readonly word: string = "later"; }\n');
    const use = 'import { later, Shared } from "../shared.js";\nconsole.log(Shared, await later());\n';
    write('src/cli/main.ts', use);
    write('src/index.ts', `export { Shared } from './shared.js';\n`);
    expect(await build()).toMatchObject({ succeeded: true });
    const files = readdirSync(inFolder('dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.js$/.test(file),
    );
    const holding = (word: string) =>
      files.filter((file) => new RegExp(`["'\`]${word}["'\`]`).test(readFileSync(inFolder(`dist/${file}`), 'utf8')));
    expect(holding('shared')).toHaveLength(1);
    expect(holding('later')).toHaveLength(1);
    expect(holding('later')).not.toEqual(holding('shared'));
  });

  test('that fails leaves dist/ as it was', async () => {
    write('src/index.ts', "export const answer: number = 'none';\n");
    const before = folders();
    expect(await build()).toMatchObject({ succeeded: false, output: expect.stringContaining('TS2322') });
    expect(readFileSync(inFolder('dist/index.js'), 'utf8')).toBe('old');
    expect(folders()).toEqual(before);
  });

  test('beside another one ends well, and either is whole', async () => {
    const before = folders();
    expect(await Promise.all([build(), build()])).toMatchObject([{ succeeded: true }, { succeeded: true }]);
    expect(readdirSync(inFolder('dist')).sort()).toContain('cli');
    expect(folders()).toEqual(before);
  });
});
