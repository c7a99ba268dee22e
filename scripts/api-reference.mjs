// Makes docs/api.md from the docstrings of what the package and its subpaths export. With --check it writes nothing, and fails when the
// page is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(root, 'docs/api.md');

/** What stands behind the name of the package, and the file that exports it: `['/otel', 'src/otel/index.ts']`. */
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => [path.slice(1), join(root, `src${path.slice(1)}/index.ts`)]);

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram(
  entries.map(([, file]) => file),
  options,
);
const checker = program.getTypeChecker();

/** What is exported, by name; of the values of `export type *` only their types are. @type {Map<string, import('typescript').Declaration>} */
const exported = new Map();
/** Which subpath exports it. An export that several have stands with the first. @type {Map<string, string>} */
const subpaths = new Map();
for (const [subpath, file] of entries) {
  const index = program.getSourceFile(file);
  const symbol = index && checker.getSymbolAtLocation(index);
  for (const alias of symbol ? checker.getExportsOfModule(symbol) : []) {
    const target = alias.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(alias) : alias;
    const [declaration] = target.declarations ?? [];
    if (declaration === undefined || ts.isVariableDeclaration(declaration)) continue;
    const known = exported.get(alias.name);
    if (known === declaration) continue;
    // The page has one section of each name, and links lead there.
    if (known !== undefined)
      throw new Error(`surreal-pool${subpath} exports another ${alias.name} than the entries before it`);
    exported.set(alias.name, declaration);
    subpaths.set(alias.name, subpath);
  }
}

/** The source of a declaration up to its body, in one line where it fits in one. */
function signature(node) {
  const end = node.body?.getStart() ?? node.getEnd();
  const text = node
    .getSourceFile()
    .text.slice(node.getStart(), end)
    .replace(/^(?:export|public|override|async|abstract) /g, '')
    .replace(/\b(?:override|async) /g, '')
    .replace(/[;,]?\s*$/, '');
  const oneLine = text.replace(/\s+/g, ' ').replaceAll('( ', '(').replaceAll(', )', ')');
  if (oneLine.length <= 120) return oneLine;
  const { character } = ts.getLineAndCharacterOfPosition(node.getSourceFile(), node.getStart());
  return text.replaceAll(`\n${' '.repeat(character)}`, '\n');
}

/** A docstring as Markdown: its text, and what it says of errors, of the result and of what is used instead. */
function docstring(node) {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1);
  if (comment === undefined) return '';
  const parts = [written(comment.comment)];
  for (const tag of comment.tags ?? []) {
    const text = written(tag.comment).replace(/\s+/g, ' ').replace(/\.?$/, '.');
    if (ts.isJSDocParameterTag(tag)) parts.push(`\`${tag.name.getText()}\`: ${text}`);
    else if (ts.isJSDocReturnTag(tag)) parts.push(`Returns: ${text}`);
    else if (tag.tagName.text === 'throws') parts.push(`Throws: ${text}`);
    else if (tag.tagName.text === 'deprecated') parts.push(`Deprecated: ${text}`);
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The text of a comment, with its links. */
function written(comment) {
  return typeof comment === 'string' ? comment : (comment ?? []).map(link).join('');
}

function link(part) {
  if (!ts.isJSDocLink(part)) return part.text;
  const target = `${part.name?.getText() ?? ''}${part.text.split('|')[0]}`.trim();
  const label = part.text.split('|')[1]?.trim() ?? target;
  const [owner = ''] = target.split('.');
  return exported.has(owner) ? `[\`${label}\`](#${owner.toLowerCase()})` : `\`${label}\``;
}

const isHidden = (member) =>
  member.name?.kind === ts.SyntaxKind.PrivateIdentifier ||
  ts.isConstructorDeclaration(member) ||
  ts.isClassStaticBlockDeclaration(member) ||
  ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal') ||
  (ts.canHaveModifiers(member) && ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword));

/** One member: what it is, and what its docstring says. */
function memberEntry(member) {
  const shown = signature(member);
  const title = shown.includes('\n') ? `\`\`\`ts\n${shown}\n\`\`\`` : `**\`${shown}\`**`;
  return [title, docstring(member)].filter((part) => part !== '').join('\n\n');
}

/** The members of an interface as a list: an option or a field a line. */
function fieldEntry(member) {
  const text = docstring(member).replace(/\s*\n\s*/g, ' ');
  return `- \`${signature(member).replace(/\s+/g, ' ')}\`${text === '' ? '' : `: ${text}`}`;
}

function section([name, declaration]) {
  const parts = [`### ${name}`];
  if (ts.isClassDeclaration(declaration)) {
    const members = declaration.members.filter((member) => !isHidden(member));
    parts.push(`\`${heading(declaration)}\``, docstring(declaration), ...members.map(memberEntry));
  } else if (ts.isInterfaceDeclaration(declaration)) {
    const { shown, hidden } = bases(declaration);
    if (shown.length > 0) parts.push(`\`interface ${name} extends ${shown.join(', ')}\``);
    const members = [...declaration.members, ...hidden.flatMap((base) => base.members)];
    parts.push(docstring(declaration), members.map(fieldEntry).join('\n'));
  } else {
    parts.push(`\`\`\`ts\n${signature(declaration)}\n\`\`\``, docstring(declaration));
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

/** What an interface extends: by name, or, of what is not exported, the declarations themselves. */
function bases(declaration) {
  const types = declaration.heritageClauses?.flatMap((clause) => [...clause.types]) ?? [];
  const isShown = (type) => exported.has(type.expression.getText());
  return {
    shown: types.filter(isShown).map((type) => type.getText()),
    hidden: types
      .filter((type) => !isShown(type))
      .flatMap((type) => checker.getTypeAtLocation(type).getSymbol()?.declarations ?? [])
      .filter(ts.isInterfaceDeclaration),
  };
}

function heading(declaration) {
  const base = declaration.heritageClauses?.map((clause) => ` ${clause.getText()}`).join('') ?? '';
  const isAbstract = ts.getModifiers(declaration)?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword);
  return `${isAbstract ? 'abstract ' : ''}class ${declaration.name?.text}${base}`;
}

const isIn = (declaration, path) => declaration.getSourceFile().fileName.includes(`/src/${path}`);

/** The chapters. An export stands in the first one that takes it. */
const chapters = [
  {
    title: 'Errors',
    takes: (declaration) => isIn(declaration, 'errors/') && !ts.isFunctionDeclaration(declaration),
    intro: 'What each one means, and what to do: [Errors](errors.md).',
  },
  { title: 'Functions', takes: ts.isFunctionDeclaration },
  {
    title: 'Classes',
    takes: ts.isClassDeclaration,
    intro: "Besides what is here they have the queries and builders of the SDK's `SurrealQueryable`.",
  },
  {
    title: 'Options',
    takes: (declaration) => isIn(declaration, 'config/'),
    intro: 'With examples, and a table of all defaults: [Configuration](configuration.md).',
  },
  { title: 'Types', takes: () => true },
  ...entries.slice(1).map(([subpath]) => ({ title: `surreal-pool${subpath}`, subpath, takes: () => true })),
].map((chapter) => ({ ...chapter, entries: [] }));

for (const entry of [...exported].sort(([one], [other]) => one.localeCompare(other, 'en'))) {
  const [name, declaration] = entry;
  const among = chapters.filter(({ subpath = '' }) => subpath === subpaths.get(name));
  among.find(({ takes }) => takes(declaration))?.entries.push(entry);
}
// The errors are many, and have a page of their own: they come last.
chapters.push(...chapters.splice(0, 1));

const contents = chapters.map(({ title, entries }) => {
  const links = entries.map(([name]) => `[${name}](#${name.toLowerCase()})`);
  return `- ${title}: ${links.join(', ')}`;
});
const text = [
  '# API reference',
  'Everything that `surreal-pool` and its subpaths export. This page is made from the docstrings in the source by `npm run docs`; what is\nwritten by hand is in the [other pages](README.md).',
  contents.join('\n'),
  ...chapters.flatMap(({ title, intro, entries }) => [
    `## ${title}`,
    ...(intro ? [intro] : []),
    ...entries.map(section),
  ]),
];
const made = `${text.join('\n\n')}\n`;

if (!process.argv.includes('--check')) writeFileSync(page, made);
else if (readFileSync(page, 'utf8') !== made) {
  console.error('docs/api.md is not what the docstrings say: npm run docs');
  process.exitCode = 1;
}
