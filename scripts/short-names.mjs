// Shortens the code of the package: no blanks, and short names for variables and private fields. Every function, class and
// method keeps its name, and every statement has a line of its own, so that a stack trace says where it comes from.
import { minifySync, parseSync, Visitor } from 'rolldown/utils';

/**
 * The minifier shortens the names of private methods too, and cannot be told not to. So they are put back, one by one in the
 * order of the text: it changes no order when it only renames.
 *
 * @param {string} file its name, for errors
 * @param {string} code
 */
export function withShortNames(file, code) {
  const { code: short, errors } = minifySync(file, code, {
    module: true,
    compress: false,
    mangle: { toplevel: true, keepNames: true },
    codegen: { removeWhitespace: true },
  });
  if (errors.length > 0)
    throw new Error(`${file} cannot be shortened: ${errors.map(({ message }) => message).join('; ')}`);
  const { names, methods } = privateNames(file, code);
  const places = privateNames(file, short).names;
  if (names.length !== places.length) throw new Error(`${file}: ${names.length} private names became ${places.length}`);
  let result = '';
  let end = 0;
  for (const [index, place] of places.entries()) {
    const name = names[index]?.name ?? '';
    result += `${short.slice(end, place.start)}#${methods.has(name) ? name : place.name}`;
    end = place.end;
  }
  return inLines(file, result + short.slice(end));
}

/** @param {string} file @param {string} code @returns every private name there is, in the order of the text; those of methods */
function privateNames(file, code) {
  /** @type {{ name: string, start: number, end: number }[]} */
  const names = [];
  /** @type {Set<string>} */
  const methods = new Set();
  const visitor = new Visitor({
    PrivateIdentifier: ({ name, start, end }) => void names.push({ name, start, end }),
    MethodDefinition: ({ key }) => {
      if (key.type === 'PrivateIdentifier') methods.add(key.name);
    },
    // A function that a field holds has the name of the field.
    PropertyDefinition: ({ key, value }) => {
      if (key.type === 'PrivateIdentifier' && value !== null && /Function/.test(value.type)) methods.add(key.name);
    },
  });
  visitor.visit(parseSync(file, code).program);
  return { names: names.sort((one, other) => one.start - other.start), methods };
}

/** @param {string} file @param {string} code @returns the same, each statement and member in a line of its own */
function inLines(file, code) {
  /** @type {Set<number>} */
  const starts = new Set();
  /** @param {{ readonly body: readonly { readonly start: number }[] }} block */
  const split = ({ body }) => {
    for (const { start } of body) starts.add(start);
  };
  const visitor = new Visitor({ Program: split, BlockStatement: split, ClassBody: split, StaticBlock: split });
  visitor.visit(parseSync(file, code).program);
  starts.delete(0);
  const places = [...starts].sort((one, other) => one - other);
  return (
    places.map((place, index) => code.slice(places[index - 1] ?? 0, place)).join('\n') +
    `\n${code.slice(places.at(-1) ?? 0)}`
  );
}

/**
 * Shortens a file of the live page. Nobody reads it in the package, so its script may lose all its names.
 *
 * @param {string} file
 * @param {string} text
 */
export function withoutBlanks(file, text) {
  if (file.endsWith('.js')) {
    const { code, errors } = minifySync(file, text, {
      compress: true,
      mangle: true,
      codegen: { removeWhitespace: true },
    });
    if (errors.length > 0)
      throw new Error(`${file} cannot be shortened: ${errors.map(({ message }) => message).join('; ')}`);
    return code;
  }
  const lines = text.replace(/\n\s*/g, '\n');
  if (!file.endsWith('.css')) return lines;
  // Blanks within a line stay, but for those that never mean anything: a selector may need the others.
  return lines
    .replace(/\n/g, '')
    .replace(/ \{/g, '{')
    .replace(/;\}/g, '}')
    .replace(/(?<=[{;][a-z-]+): /g, ':');
}
