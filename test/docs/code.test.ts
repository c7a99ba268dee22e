import { existsSync, readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { loadHelp } from '../../src/cli/load-help.js';
import { resolveConfig } from '../../src/config/resolve.js';
import { environmentVariables } from '../../src/config/sources.js';
import { runChild } from '../support/child.js';
import { type CodeBlock, codeBlocks, page, pages, projectFolder } from '../support/documentation.js';

// The reference is made of the declarations themselves, and holds no programs.
const blocks = pages()
  .filter(({ path }) => path !== 'docs/api.md')
  .flatMap(codeBlocks);
const of = (language: string): CodeBlock[] => blocks.filter((block) => block.language === language);

/** A folder for each page, which is not there: blocks of one page import each other, those of two pages do not. */
function pathOf({ page: { path }, file }: CodeBlock, index: number): string {
  return `${projectFolder}blocks-of-${path.replaceAll(/\W/g, '-')}/${file ?? `block-${index}.ts`}`;
}

/** What is wrong with blocks of TypeScript, each a module of its own, by page and line. */
function mistakes(programs: readonly CodeBlock[]): string[] {
  const configuration = ts.readConfigFile(`${projectFolder}tsconfig.json`, ts.sys.readFile);
  const { options: own } = ts.parseJsonConfigFileContent(configuration.config, ts.sys, projectFolder);
  // A handler that answers early with "return response.end()" is what the readers write.
  const options = { ...own, checkJs: false, noImplicitReturns: false };
  const modules = new Map(programs.map((block, index) => [pathOf(block, index), block]));
  const host = ts.createCompilerHost(options);
  const { fileExists, directoryExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => modules.has(name) || fileExists(name);
  host.directoryExists = (name) => name.startsWith(`${projectFolder}blocks-of-`) || (directoryExists?.(name) ?? true);
  host.readFile = (name) => {
    const block = modules.get(name);
    return block === undefined ? readFile(name) : `${block.given} export {};\n${block.code}`;
  };
  host.getSourceFile = (name, settings, ...rest) => {
    if (!modules.has(name)) return getSourceFile(name, settings, ...rest);
    return ts.createSourceFile(name, host.readFile(name) ?? '', settings);
  };
  const folder = `${projectFolder}test/docs/code/`;
  const given = readdirSync(folder).map((name) => folder + name);
  const program = ts.createProgram([...modules.keys(), ...given], options, host);
  const files = program.getSourceFiles().filter(({ fileName }) => modules.has(fileName) || given.includes(fileName));
  return files
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ file, start = 0, messageText }) => {
      const name = file?.fileName ?? '';
      const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
      const block = modules.get(name);
      // The line before the code is that of what is given.
      const place = block === undefined ? `${name}:${line + 1}` : `${block.page.path}:${block.line + line - 1}`;
      return `${place} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
}

describe('the code in the documentation', () => {
  test('is TypeScript that a strict compiler takes, for what it does with this package and others', () => {
    expect(of('ts').length).toBeGreaterThan(20);
    expect(mistakes(of('ts'))).toEqual([]);
  });

  const printing = [
    ...page('docs/getting-started.md').text.matchAll(/^```ts\n([\s\S]*?)^```\n\n```\n([\s\S]*?)^```$/gm),
  ];

  test('of the first programs is there', () => {
    expect(printing).toHaveLength(4);
  });

  test.each(printing.map(([, code = '', printed = '']) => ({ code, printed })))(
    'of a first program prints what is shown under it',
    async ({ code, printed }) => {
      expect(await runChild(code)).toMatchObject({ code: 0, stdout: printed, stderr: '' });
    },
  );

  test('is told with its page and line when it is wrong', () => {
    const [block] = of('ts');
    if (block === undefined) throw new Error('there is no code');
    const wrong = { ...block, given: '', code: `const a: number = 1;\nawait pool.acquier();\n${block.code}` };
    expect(mistakes([wrong])).toContainEqual(
      expect.stringMatching(`^${block.page.path}:${block.line + 1} .*'acquier' does not exist`),
    );
  });

  test('is JSON that can be read, and configurations that can be used', () => {
    expect(of('json')).not.toHaveLength(0);
    for (const { code, page: where, line } of of('json')) {
      const value: unknown = JSON.parse(code);
      const isConfiguration = typeof value === 'object' && value !== null && 'connectionMode' in value;
      if (isConfiguration) expect(() => resolveConfig(value), `${where.path}:${line}`).not.toThrow();
    }
  });

  test('for the shell names scripts, files, options and variables that are there', () => {
    const { scripts } = JSON.parse(readFileSync(`${projectFolder}package.json`, 'utf8'));
    expect(of('sh')).not.toHaveLength(0);
    for (const { code, page: where, line } of of('sh')) {
      const place = `${where.path}:${line}`;
      const named = (pattern: RegExp): string[] => [...code.matchAll(pattern)].map(([all, name]) => name ?? all);
      for (const script of named(/\bnpm run ([\w:]+)/g)) expect(Object.keys(scripts), place).toContain(script);
      for (const path of named(/\bnode ((?:examples|scripts)\/\S+)/g)) {
        expect(existsSync(projectFolder + path), `${place}: ${path}`).toBe(true);
      }
      for (const name of named(/\bSURREAL_POOL_\w+/g)) expect([...environmentVariables.keys()], place).toContain(name);
      for (const command of named(/\bsurreal-pool load\b.*/g)) {
        for (const [option] of command.matchAll(/--[\w-]+/g)) expect(loadHelp(), place).toContain(option);
      }
    }
  });
});
