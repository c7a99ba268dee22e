import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchors, headings, page, pages, projectFolder, prose } from '../support/documentation.js';

const all = pages();

/** The relative links of a page: the path from the project's folder, and the section. */
function links(path: string): { readonly target: string; readonly section: string }[] {
  return [...prose(page(path)).matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, address = '']) => address)
    .filter((address) => !/^\w+:/.test(address))
    .map((address) => {
      const [file = '', section = ''] = address.split('#');
      return { target: file === '' ? path : posix.join(posix.dirname(path), file), section };
    });
}

/** Pages that the index announces and that are still being written. */
const announced = ['transactions', 'savepoints', 'performance', 'testing'].map((name) => `docs/${name}.md`);
const isThere = (path: string): boolean => existsSync(projectFolder + path);

describe('the documentation', () => {
  test('has links', () => {
    expect(links('README.md').length).toBeGreaterThan(8);
    expect(all.length).toBeGreaterThan(10);
  });

  test.each(all.map(({ path }) => path))('%s links to files and sections that are there', (path) => {
    for (const { target, section } of links(path)) {
      if (announced.includes(target) && !isThere(target)) continue;
      expect(isThere(target), `${path}: ${target}`).toBe(true);
      if (section !== '') expect([...anchors(page(target))], `${path}: ${target}`).toContain(section);
    }
  });

  test('has no two sections of one name on a page, so that each link has one target', () => {
    for (const one of all) expect(headings(one), one.path).toHaveLength(anchors(one).size);
  });

  test('has an index that leads to every page of docs/', () => {
    const reached = new Set(links('docs/README.md').map(({ target }) => target));
    const expected = all
      .map(({ path }) => path)
      .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md');
    for (const path of expected) expect([...reached]).toContain(path);
  });
});
