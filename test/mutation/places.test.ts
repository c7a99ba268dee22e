import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';
import { faults } from './faults.mjs';
import { placesOf, readSources } from './places.mjs';

const sources = readSources(fileURLToPath(new URL('../../src/', import.meta.url)));

/** What stands at the places that are found in these files. */
function found(files: Record<string, string>, fault: { from: string; within?: string }): [string, string][] {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return placesOf(readSources(folder), fault).map(({ file, start, end }) => [
    file,
    files[file]?.slice(start, end) ?? '',
  ]);
}

describe('the faults of the mutation check', () => {
  test.each(faults)('has one place in src: $name', (fault) => {
    const places = placesOf(sources, fault).map(({ file }) => file);
    expect(places, `correct its "from" or give it a "within":\n${fault.from}`).toHaveLength(1);
  });

  test('have names of their own', () => {
    const names = faults.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});

describe('the place of a fault', () => {
  test('is found in whatever file, at whatever depth, however its lines are broken', () => {
    const from = 'if (due) send(one, two);';
    const files = {
      'a.ts': 'if (due) send(one, two);',
      'b.ts': '{\n  if (due)\n    send(\n      one,\n      two,\n    );\n}',
    };
    expect(found(files, { from })).toEqual([
      ['a.ts', 'if (due) send(one, two);'],
      ['b.ts', 'if (due)\n    send(\n      one,\n      two,\n    );'],
    ]);
  });

  test('is only within the function, method or class that is named', () => {
    const text = `
      function first() { count++; }
      class Second { get first() { return 1; } #other() { count++; } other() { count++; } }
      const third = () => { count++; };`;
    const places = (within: string) => found({ 'a.ts': text }, { from: 'count++;', within }).length;
    expect(['first', 'Second', '#other', 'other', 'third', 'fourth'].map(places)).toEqual([1, 2, 1, 1, 1, 0]);
  });
});
