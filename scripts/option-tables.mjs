// Fills the rows of the pool's options in docs/configuration.md from the docstrings in src/config/pool-options.ts. Which option
// stands in which table, and where, is said by the page: a row needs no more than the name of its option. With --check it
// writes nothing, and fails when the page is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(root, 'docs/configuration.md');
const source = join(root, 'src/config/pool-options.ts');

/** Where the page says more; the first of its words in a row becomes the link. */
const links = [
  ['single calls', 'single-calls.md'],
  ['any scope', 'identities.md#scopes'],
  ['made again', 'retries.md'],
  ['take much longer than usual', 'connections.md#opening'],
  ['proof of who a connection is', 'security.md#who-a-connection-is'],
  ['reasons not to be healthy', 'failures.md#when-a-pool-is-ready'],
];

/** The text of each docstring, by the path of its option in the short form. @type {Map<string, string>} */
const docstrings = new Map();
const file = ts.createSourceFile(source, readFileSync(source, 'utf8'), ts.ScriptTarget.Latest, true);
for (const [prefix, name] of [
  ['', 'PoolConfig'],
  ['retryPolicy.', 'RetryPolicy'],
  ['circuitBreaker.', 'CircuitBreakerConfig'],
  ['loadShedding.', 'LoadSheddingConfig'],
]) {
  const declaration = file.statements.filter(ts.isInterfaceDeclaration).find((found) => found.name.text === name);
  for (const member of declaration?.members ?? []) {
    const [comment] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
    const text = ts.getTextOfJSDocComment(comment?.comment) ?? '';
    docstrings.set(`${prefix}${member.name?.getText()}`, text.replace(/\s+/g, ' '));
  }
}

/** The cells of an option: its name, its default, what else 0 and null mean, its variable, and what it means. */
function cellsOf(option, docstring) {
  const found = /(?:^| )Default (`[^`]+`)([^;]*?)(?:; ((?:[^.]|\.\d)+))?\.(?= |$)/.exec(docstring);
  if (found === null) throw new Error(`the docstring of ${option} has no sentence "Default \`…\`; …."`);
  const [sentence, initial, orElse, allowed = '–'] = found;
  const variable = `SURREAL_POOL_${option
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
  let meaning = docstring.replace(sentence, '').trim();
  for (const [words, target] of links) meaning = meaning.replace(words, `[${words}](${target})`);
  return [`\`${option}\``, `${initial}${orElse}`, allowed, `\`${variable}\``, meaning];
}

const before = readFileSync(page, 'utf8');
const made = before.replace(/^\| `([\w.]+)` \|.*$/gm, (row, option) => {
  const docstring = docstrings.get(option);
  return docstring === undefined ? row : `| ${cellsOf(option, docstring).join(' | ')} |`;
});

if (!process.argv.includes('--check')) writeFileSync(page, made);
else if (before !== made) {
  console.error('docs/configuration.md is not what the docstrings say: npm run docs');
  process.exitCode = 1;
}
