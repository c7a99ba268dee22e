// Shortens the names of variables, which are a fifth of the package, and nothing else: every function, class, method and
// private member keeps its name, and every statement its line, so that a stack trace says where it comes from.
import { minifySync, parseSync, Visitor } from 'rolldown/utils';

/**
 * The minifier shortens private names too, and cannot be told not to. So they are put back, one by one in the order of the
 * text: it changes no order when it only renames.
 *
 * @param {string} file its name, for errors
 * @param {string} code
 */
export function withShortNames(file, code) {
  const { code: short, errors } = minifySync(file, code, {
    module: true,
    compress: false,
    mangle: { toplevel: true, keepNames: true },
    codegen: { removeWhitespace: false },
  });
  if (errors.length > 0)
    throw new Error(`${file} cannot be shortened: ${errors.map(({ message }) => message).join('; ')}`);
  const names = privateNames(file, code).map(({ name }) => name);
  const places = privateNames(file, short);
  if (names.length !== places.length) throw new Error(`${file}: ${names.length} private names became ${places.length}`);
  let result = '';
  let end = 0;
  for (const [index, place] of places.entries()) {
    result += `${short.slice(end, place.start)}#${names[index]}`;
    end = place.end;
  }
  return result + short.slice(end);
}

/** @param {string} file @param {string} code @returns every private name there is, in the order of the text */
function privateNames(file, code) {
  /** @type {{ name: string, start: number, end: number }[]} */
  const found = [];
  const visitor = new Visitor({ PrivateIdentifier: ({ name, start, end }) => void found.push({ name, start, end }) });
  visitor.visit(parseSync(file, code).program);
  return found.sort((one, other) => one.start - other.start);
}
