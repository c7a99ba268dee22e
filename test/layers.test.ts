import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('../src/', import.meta.url));

/** From the top to the ground: a file imports from its own layer and from those below, never from above. */
const layers: readonly (readonly string[])[] = [
  ['cli'],
  ['index.ts'],
  ['shutdown-on-signals.ts'],
  ['manager.ts'],
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

describe('the layers', () => {
  test('hold every file', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  });

  test.each(files)('%s imports nothing from above', (file) => {
    const text = readFileSync(join(source, file), 'utf8');
    const imports = [...text.matchAll(/from '(\.[^']+)\.js'/g)].map(
      ([, path]) => `${posix.join(dirname(file), path ?? '')}.ts`,
    );
    expect(imports.filter((imported) => layerOf(imported) < layerOf(file))).toEqual([]);
  });

  test('keep the pool itself free of SurrealDB and of sockets', () => {
    for (const file of files.filter((name) => name.startsWith('pool/'))) {
      const text = readFileSync(join(source, file), 'utf8');
      expect(
        [...text.matchAll(/from '([^.'][^']*)'/g)].map(([, name]) => name),
        file,
      ).toEqual([]);
    }
  });
});
