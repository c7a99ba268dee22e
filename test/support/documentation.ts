import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const projectFolder: string = fileURLToPath(new URL('../../', import.meta.url));

/** A Markdown file of the project, by its path from the project's folder. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page. */
export interface CodeBlock {
  readonly page: Page;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** What an HTML comment `<!-- given: … -->` right before it says: declarations that the reader does not see. */
  readonly given: string;
  /** The name that its first line gives it, `// database.ts`: other blocks of its page import it by that. */
  readonly file: string | undefined;
}

export function page(path: string): Page {
  return { path, text: readFileSync(projectFolder + path, 'utf8') };
}

/** All pages: the README, those beside it, and those of docs/. */
export function pages(): Page[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(projectFolder + folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => folder + name);
  return [...inFolder(''), ...inFolder('docs/')].map(page);
}

export function codeBlocks(of: Page): CodeBlock[] {
  const fence = /(?:^<!-- given: ((?:(?!-->)[\s\S])*)-->\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...of.text.matchAll(fence)].map((match) => {
    const [all, given = '', language = '', code = ''] = match;
    const line = of.text.slice(0, match.index + all.length - code.length - '```'.length).split('\n').length;
    const file = code.match(/^\/\/ ([\w/-]+\.ts)\n/)?.[1];
    return { page: of, line, language, code, given: given.replaceAll('\n', ' '), file };
  });
}

/** The text of a page without its code blocks. */
export function prose(of: Page): string {
  return of.text.replace(/^```[\s\S]*?^```$/gm, '');
}

/** The titles of a page's sections, without code marks. */
export function headings(of: Page): string[] {
  return [...prose(of).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.replaceAll('`', ''));
}

/** What a link to a section is written as: its title in small letters, with hyphens for spaces, and no punctuation. */
export function anchors(of: Page): Set<string> {
  return new Set(
    headings(of).map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\-_ ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
