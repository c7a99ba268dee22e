import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** From the top to the ground: a file imports from its own layer and from those below, never from above. */
const layers: readonly (readonly string[])[] = [
  ['cli'],
  ['index.ts', 'otel', 'prometheus', 'health', 'console', 'record'],
  ['http', 'metrics', 'verdict'],
  ['shutdown-on-signals.ts'],
  ['manager.ts'],
  ['agents'],
  ['pool-scope.ts'],
  ['manager'],
  ['pooled-connection.ts'],
  ['transactions'],
  ['savepoints'],
  ['calls'],
  ['session'],
  ['wire'],
  ['telemetry'],
  ['pool'],
  ['endpoints'],
  ['config'],
  ['surrealql'],
  ['time'],
  ['errors', 'logger.ts'],
];

const layerOf = (file: string): number => layers.findIndex((names) => names.includes(file.split('/')[0] ?? ''));

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));

const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    const paths = [...text.matchAll(/from '(\.[^']+)\.js'/g)].map(([, path]) => `${path}.ts`);
    return [file, paths.map((path) => posix.join(dirname(file), path))] as const;
  }),
);

/** Of types as well: a reader follows these too. */
const importsOf = (file: string): readonly string[] => imports.get(file) ?? [];

/** All that a file imports, and what these import, and so on. */
function reachedFrom(file: string): Set<string> {
  const reached = new Set(importsOf(file));
  // A set brings what is added while it is walked through.
  for (const other of reached) for (const next of importsOf(other)) reached.add(next);
  return reached;
}

describe('the layers', () => {
  test('hold every file', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  });

  test('import nothing from above', () => {
    const upwards = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => layerOf(imported) < layerOf(file))
        .map((imported) => `${file} imports ${imported}, which is above it`),
    );
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length);
    expect(upwards).toEqual([]);
  });

  test('have no circles', () => {
    expect(
      files.filter((file) => reachedFrom(file).has(file)).map((file) => `${file} imports itself by others`),
    ).toEqual([]);
  });

  test('import only files that are there', () => {
    expect(files.flatMap(importsOf).filter((imported) => !files.includes(imported))).toEqual([]);
  });

  test('keep the pool itself free of SurrealDB and of sockets', () => {
    const pool = files.filter((name) => name.startsWith('pool/'));
    expect(pool.length).toBeGreaterThan(5);
    const packages = pool.flatMap((file) => {
      const text = readFileSync(join(source, file), 'utf8');
      return [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => `${file} imports ${name}`);
    });
    expect(packages).toEqual([]);
  });
});
