import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { scope } from '../../src/otel/scope.js';
import { projectFolder } from '../support/documentation.js';
import { runIn } from '../support/run-in.js';
import { temporaryFolder } from '../support/temporary.js';

const manifest = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'));

/** A project with the built package and all that it needs, but no OpenTelemetry. */
let folder: string;

beforeAll(() => {
  folder = temporaryFolder();
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'surreal-pool');
  mkdirSync(own, { recursive: true });
  cpSync(join(projectFolder, 'dist'), join(own, 'dist'), { recursive: true });
  cpSync(join(projectFolder, 'package.json'), join(own, 'package.json'));
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (name.startsWith('@opentelemetry/')) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(projectFolder, 'node_modules', name), join(modules, name), 'junction');
  }
});

test('without @opentelemetry/api the pool works, and so do the other entries', () => {
  const script = `
    import { createPool } from 'surreal-pool';
    for (const entry of ['prometheus', 'health', 'console']) await import('surreal-pool/' + entry);
    const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
    console.log(JSON.stringify(await pool.query('RETURN 1')));
    await pool.shutdown();`;
  expect(runIn(folder, script)).toEqual({ code: 0, stdout: '[1]\n', stderr: '' });
});

test('without @opentelemetry/api the entry for OpenTelemetry says which package is missing', () => {
  const script = `
    await import('surreal-pool/otel').catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = runIn(folder, script);
  expect(stdout).toMatch(/^ERR_MODULE_NOT_FOUND Cannot find package '@opentelemetry\/api' imported from .*otel\.js/);
});

test('with it the entry is a module that require() takes too', () => {
  const script = `
    import { createRequire } from 'node:module';
    const { instrumentPool } = createRequire(import.meta.url)('surreal-pool/otel');
    console.log(instrumentPool === (await import('surreal-pool/otel')).instrumentPool);`;
  expect(runIn(projectFolder, script)).toMatchObject({ code: 0, stdout: 'true\n' });
});

test('the scope of spans and metrics has the version of the package', () => {
  expect(scope).toEqual({ name: manifest.name, version: manifest.version });
});
