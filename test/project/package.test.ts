import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
/** The aim was 150,000: see docs/dependencies.md. */
const mostBytes = 310_000;

/** What npm says of the package that it packed. */
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const npm = (folder: string, ...parameters: string[]): string =>
  execFileSync('npm', parameters, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });

let packed: Packed;
/** An empty project into which the package was unpacked, beside what it says that it needs. */
let folder: string;

beforeAll(() => {
  folder = temporaryFolder();
  const [first] = JSON.parse(npm(project, 'pack', '--json', '--pack-destination', folder)) as Packed[];
  if (first === undefined) throw new Error('npm packed nothing');
  packed = first;
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'surreal-pool'), { recursive: true });
  const archive = join(folder, packed.filename);
  execFileSync('tar', ['-xzf', archive, '--strip-components=1', '-C', join(modules, 'surreal-pool')]);
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(modules, 'surreal-pool/package.json'), 'utf8'),
  );
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(project, 'node_modules', name), join(modules, name), 'junction');
  }
});

describe('the package', () => {
  test(`is at most ${mostBytes / 1000} kB to download`, () => {
    expect(packed.size).toBeLessThanOrEqual(mostBytes);
  });

  test('holds what a program needs: code, its declarations, and three pages', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !path.startsWith('dist/')).sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
    const others = paths.filter((path) => path.startsWith('dist/') && !path.endsWith('.js'));
    const entries = others.filter((path) => !path.startsWith('dist/parts/')).sort();
    const { exports } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    const declared = Object.values<{ types?: string }>(exports).flatMap(({ types }) => types?.replace('./', '') ?? []);
    expect(entries).toEqual(declared.sort());
    expect(others.filter((path) => !path.endsWith('.d.ts'))).toEqual([]);
  });

  test('says where it is at home', () => {
    const { repository, homepage, bugs } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    expect(repository.url).toMatch(/^git\+https:/);
    for (const address of [homepage, bugs]) expect(address).toContain(repository.url.replace(/^git\+|\.git$/g, ''));
  });

  test('keeps the names of functions, classes and methods in its stack traces', () => {
    const script = `
      import { createPool } from 'surreal-pool';
      Error.stackTraceLimit = 50;
      const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
      try {
        pool.scope({ databse: 'other' });
      } catch ({ name, stack }) {
        console.log(JSON.stringify({ name, stack }));
      }
      await pool.shutdown();`;
    const { name, stack } = JSON.parse(run(script)) as { name: string; stack: string };
    expect(name).toBe('ConfigurationError');
    const frames = stack.split('\n').filter((line) => line.includes('surreal-pool/dist'));
    expect(frames.length).toBeGreaterThan(2);
    const source = sources()
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    const named = frames.map(
      (frame) => /at (?:async )?(?:new )?(?:\S+\.)?(#?[\w$]+)(?: \[as \w+\])? \(/.exec(frame)?.[1],
    );
    // The bundler puts a number behind a name that several modules have.
    for (const [index, method] of named.entries()) {
      if (method === undefined || method === '<anonymous>') continue;
      expect(source, frames[index]).toMatch(new RegExp(`(?<![\\w$#])${method.replace(/\$\d+$/, '')}(?![\\w$])`));
    }
    expect(named).toContain('scope');
    expect(named).toContain('#refused');
  });

  test('runs a query in a project that has nothing but it and what it needs, as a module and by require()', () => {
    const work = `
      const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
      console.log(JSON.stringify(await pool.query('RETURN 1 + 1')));
      await pool.shutdown();`;
    expect(run(`import { createPool } from 'surreal-pool';${work}`)).toBe('[2]\n');
    expect(run(`const { createPool } = require('surreal-pool'); (async () => {${work}})();`, 'commonjs')).toBe('[2]\n');
  });

  test('has its command', () => {
    const { bin, version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    const command = join(folder, 'node_modules/surreal-pool', bin['surreal-pool']);
    expect(execFileSync(process.execPath, [command, '--version'], { encoding: 'utf8' })).toContain(version);
    if (process.platform !== 'win32') expect(statSync(command).mode & 0o111).not.toBe(0);
  });

  test('has types for the oldest way that TypeScript looks for them', () => {
    const file = join(folder, 'typed.ts');
    const text = `import { createPool, type PoolStats } from 'surreal-pool';
      export const stats: Promise<PoolStats> = createPool('mem://', { namespace: 'app', database: 'main' }).then((pool) => pool.poolStats());
      // @ts-expect-error no such option
      createPool('mem://', { namespace: 'app', database: 'main', maxConections: 5 });`;
    writeFileSync(file, text);
    const compiler = join(project, 'node_modules/typescript-5.9/bin/tsc');
    const options = [
      '--strict',
      '--noEmit',
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable,dom',
      '--types',
      'node',
    ];
    const types = ['--typeRoots', join(project, 'node_modules/@types')];
    const modules = ['--module', 'commonjs', '--moduleResolution', 'node10'];
    const parameters = [compiler, ...options, ...types, ...modules, file];
    expect(execFileSync(process.execPath, parameters, { cwd: folder, encoding: 'utf8' })).toBe('');
  });
});

function run(script: string, type: 'module' | 'commonjs' = 'module'): string {
  const parameters = [`--input-type=${type}`, '--no-warnings', '--eval', script];
  return execFileSync(process.execPath, parameters, { cwd: folder, encoding: 'utf8' });
}

function sources(): string[] {
  const src = join(project, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).map((name) => join(src, name));
  return files.filter((file) => file.endsWith('.ts') && existsSync(file));
}
