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

/** Of types as well: a reader follows these too. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(/from '(\.[^']+)\.js'/g)].map(([, path]) => `${posix.join(dirname(file), path ?? '')}.ts`);
}

describe('the layers', () => {
  test('hold every file', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  });

  test.each(files)('%s imports nothing from above, and nothing that imports it', (file) => {
    const imports = importsOf(file);
    const reached = new Set(imports);
    // A set brings what is added while it is walked through.
    for (const other of reached) for (const next of importsOf(other)) reached.add(next);
    expect(reached.has(file)).toBe(false);
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
