import { UsageError } from '../errors/configuration.js';
import { keywordOf } from './refused-statements.js';
import { splitStatements } from './statements.js';
import type { Token } from './token.js';
import { tokenize } from './tokens.js';

/** A part of an import, which is sent in one message. */
export interface ImportPiece {
  readonly text: string;
  /** How each of its statements begins, without its data. */
  readonly statements: readonly string[];
  /** How many answers stand before those of its statements. */
  readonly added: number;
}

/** So many characters are collected before a piece is cut off: a message of a few megabytes is none too large for a server. */
const pieceLength = 512 * 1024;

/** Statements that say how those behind them are executed. */
const importOption = 'OPTION IMPORT;\n';

/**
 * Cuts a text between its statements as it comes, so that a large one needs neither one large message nor all of it in
 * memory. It is cut only where the server would: behind a semicolon outside of all brackets, and before anything that may be
 * read in two ways. What belongs together stays together: from BEGIN to COMMIT, an IF with its ELSE, and all that follows a
 * LET. What `OPTION IMPORT` says at the beginning holds for each piece.
 */
export class ImportPieces {
  #text = '';
  /** In how much of the text a place to cut is looked for. */
  #window = pieceLength;
  #isImport = false;

  /** Gives the pieces that are complete by now. */
  *add(text: string): Generator<ImportPiece> {
    this.#text += text;
    while (this.#text.length >= this.#window) {
      const tokens = tokenize(this.#text.slice(0, this.#window));
      const at = lastCut(tokens);
      const end = at === undefined ? undefined : tokens[at]?.end;
      if (at === undefined || end === undefined) {
        this.#window *= 2;
        continue;
      }
      const piece = this.#piece(this.#text.slice(0, end), tokens.slice(0, at + 1));
      this.#text = this.#text.slice(end);
      this.#window = pieceLength;
      if (piece !== undefined) yield piece;
    }
  }

  /** @returns what is left; undefined when that is nothing but comments */
  end(): ImportPiece | undefined {
    const text = this.#text;
    this.#text = '';
    return this.#piece(text, tokenize(text));
  }

  #piece(text: string, tokens: readonly Token[]): ImportPiece | undefined {
    const statements = splitStatements(tokens).statements.map((statement) => statement.tokens);
    if (statements.length === 0) return undefined;
    if (statements.some((own) => keywordOf(own) === 'USE')) {
      throw new UsageError(
        'USE cannot be used in an import, which is into one database: import() in a scope of the other one',
      );
    }
    const wasImport = this.#isImport;
    this.#isImport ||= statements.some(([first, second]) => first?.value === 'OPTION' && second?.value === 'IMPORT');
    const added = wasImport ? 1 : 0;
    return { text: wasImport ? importOption + text : text, statements: statements.map(beginningOf), added };
  }
}

/** The last semicolon behind which a text may be cut for certain, among its tokens. */
function lastCut(tokens: readonly Token[]): number | undefined {
  let cut: number | undefined;
  let first: Token | undefined;
  let isOpen = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined || token.kind === 'unknown' || token.doubtful) break;
    const isStart = first === undefined;
    first ??= token;
    if (isStart && token.kind === 'word') {
      if (token.value === 'LET') break;
      if (token.value === 'BEGIN') isOpen = true;
      if (token.value === 'COMMIT' || token.value === 'CANCEL') isOpen = false;
      // It belongs to the statement before it, behind which nothing may be cut then.
      if (token.value === 'ELSE' || token.value === 'END') break;
    }
    if (token.kind !== 'mark') continue;
    if ('()[]{}'.includes(token.text)) {
      if (token.partner === undefined) break;
      at = Math.max(at, token.partner);
    } else if (token.text === ';') {
      if (!isOpen && first.value !== 'IF') cut = at;
      first = undefined;
    }
  }
  return cut;
}

/** Its words up to the first that may be data or a secret. */
function beginningOf(tokens: readonly Token[]): string {
  const end = tokens.findIndex(({ kind, text }) => (kind !== 'word' && kind !== 'name') || /^PASS/i.test(text));
  const words = tokens.slice(0, end === -1 ? tokens.length : end).map(({ text }) => text);
  return words.slice(0, 8).join(' ');
}
