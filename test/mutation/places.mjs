import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * A file of `src` and its text, also without the white space.
 *
 * @typedef {{ name: string, text: string, squeezed: Squeezed }} Source
 * @typedef {{ text: string, at: readonly number[] }} Squeezed `at`: where each character stood in the whole text
 * @typedef {{ file: string, start: number, end: number }} Place
 */

/** @param {string} folder @returns {Source[]} every TypeScript file below the folder */
export function readSources(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return { name, text, squeezed: squeeze(text) };
    });
}

/**
 * Finds every place where the text of a fault stands in the sources, within the declarations that it names, if it names
 * any. White space does not count, nor a comma before a closing bracket: both change when a formatter breaks a line
 * differently, as it does when code moves to another depth.
 *
 * @param {readonly Source[]} sources
 * @param {{ from: string, within?: string }} fault
 * @returns {Place[]}
 */
export function placesOf(sources, { from, within }) {
  const wanted = squeeze(from).text;
  /** @type {Place[]} */
  const places = [];
  for (const { name, text, squeezed } of sources) {
    /** @type {Place[]} */
    const here = [];
    for (let index = squeezed.text.indexOf(wanted); index !== -1; index = squeezed.text.indexOf(wanted, index + 1)) {
      const last = squeezed.at[index + wanted.length - 1] ?? 0;
      here.push({ file: name, start: squeezed.at[index] ?? 0, end: last + 1 });
    }
    if (here.length === 0) continue;
    const ranges = within === undefined ? [[0, text.length]] : declarationsOf(name, text, within);
    places.push(
      ...here.filter(({ start, end }) => ranges.some(([first = 0, last = 0]) => first <= start && end <= last)),
    );
  }
  return places;
}

/** @param {readonly Source[]} sources @param {Place} place */
export function lineOf(sources, { file, start }) {
  const text = sources.find(({ name }) => name === file)?.text ?? '';
  return text.slice(0, start).split('\n').length;
}

/** @param {string} text @returns {Squeezed} */
function squeeze(text) {
  /** @type {number[]} */
  const at = [];
  let rest = '';
  for (const { index, 0: character } of text.matchAll(/\S/g)) {
    if (/[)\]}]/.test(character) && rest.endsWith(',')) {
      rest = rest.slice(0, -1);
      at.pop();
    }
    rest += character;
    at.push(index);
  }
  return { text: rest, at };
}

/**
 * Where the functions, methods and classes of a name begin and end in a file.
 *
 * @param {string} file @param {string} text @param {string} name @returns {number[][]}
 */
function declarationsOf(file, text, name) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  /** @type {number[][]} */
  const ranges = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    const named = ts.isFunctionLike(node) || ts.isClassLike(node) || ts.isVariableDeclaration(node);
    if (named && node.name?.getText(source) === name) ranges.push([node.getStart(source), node.end]);
    else node.forEachChild(visit);
  };
  visit(source);
  return ranges;
}
