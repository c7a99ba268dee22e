// Fills the rows of the options in docs/configuration.md and of the limits in docs/agents.md from their docstrings. Which option
// stands in which table, and where, is said by the page: a row needs no more than the name of its option. With --check it
// writes nothing, and fails when a page is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Where the page says more; the first of its words in a row becomes the link. */
const links = [
  ['single calls', 'single-calls.md'],
  ['any scope', 'identities.md#scopes'],
  ['made again', 'retries.md'],
  ['take much longer than usual', 'connections.md#opening'],
  ['proof of who a connection is', 'security.md#who-a-connection-is'],
  ['reasons not to be healthy', 'failures.md#when-a-pool-is-ready'],
];

/**
 * The texts of the docstrings of an interface, by the names of its members with what stands before them.
 *
 * @param {string} path
 * @param {string} name
 * @param {string} [prefix]
 * @returns {Map<string, string>}
 */
function docstringsOf(path, name, prefix = '') {
  const source = join(root, path);
  const file = ts.createSourceFile(source, readFileSync(source, 'utf8'), ts.ScriptTarget.Latest, true);
  const declaration = file.statements.filter(ts.isInterfaceDeclaration).find((found) => found.name.text === name);
  const docstrings = new Map();
  for (const member of declaration?.members ?? []) {
    const [comment] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
    const text = ts.getTextOfJSDocComment(comment?.comment) ?? '';
    docstrings.set(`${prefix}${member.name?.getText()}`, text.replace(/\s+/g, ' '));
  }
  return docstrings;
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

const options = 'src/config/pool-options.ts';
const endpoints = 'src/config/endpoint-options.ts';
const pages = [
  {
    page: 'docs/configuration.md',
    docstrings: new Map([
      ...docstringsOf(options, 'PoolConfig'),
      ...docstringsOf(options, 'RetryPolicy', 'retryPolicy.'),
      ...docstringsOf(options, 'CircuitBreakerConfig', 'circuitBreaker.'),
      ...docstringsOf(options, 'LoadSheddingConfig', 'loadShedding.'),
      ...docstringsOf(endpoints, 'BalancingConfig', 'balancing.'),
      ...docstringsOf(endpoints, 'DiscoveryConfig', 'discovery.'),
    ]),
    cells: cellsOf,
  },
  {
    page: 'docs/agents.md',
    docstrings: docstringsOf('src/agents/limits.ts', 'ResourceLimits'),
    cells: (limit, docstring) => [`\`${limit}\``, docstring],
    isComplete: true,
  },
];

for (const { page, docstrings, cells, isComplete } of pages) {
  const path = join(root, page);
  const before = readFileSync(path, 'utf8');
  const missing = new Set(docstrings.keys());
  const made = before.replace(/^\| `([\w.]+)` \|.*$/gm, (row, option) => {
    const docstring = docstrings.get(option);
    missing.delete(option);
    return docstring === undefined ? row : `| ${cells(option, docstring).join(' | ')} |`;
  });
  if (isComplete && missing.size > 0) {
    console.error(`${page} has no row for ${[...missing].join(', ')}`);
    process.exitCode = 1;
  }
  if (!process.argv.includes('--check')) writeFileSync(path, made);
  else if (before !== made) {
    console.error(`${page} is not what the docstrings say: npm run docs`);
    process.exitCode = 1;
  }
}
