import { BoundValues } from './bound-values.js';
import { constantFamilies, outsideFamilies, pureFunctions, pureMethods } from './pure-functions.js';
import { RecordTargets } from './record-targets.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';
import { closers, openers, statementWords, TokenContext } from './token-context.js';
import { tokenize } from './tokens.js';
import { type Replayability, Verdict } from './verdict.js';

/**
 * Judges a call by its text and its parameters. This is an allow-list: unknown means impure. It may refuse too much,
 * never too little. What a text does not show (events, computed fields, random defaults) is found by comparing the
 * replies.
 */
export function replayability(text: SurrealText, bindings: Readonly<Record<string, unknown>>): Replayability {
  const bound = new BoundValues(text.tokens, bindings);
  try {
    new Judge(text.tokens, bound).judge();
    return { kind: 'replayable', byTextAlone: !bound.used };
  } catch (verdict) {
    if (!(verdict instanceof Verdict)) throw verdict;
    const { kind, culprit, reason } = verdict;
    return { kind, culprit, reason, byTextAlone: !bound.used };
  }
}

class Judge {
  readonly #context: TokenContext;
  readonly #bound: BoundValues;
  readonly #targets: RecordTargets;
  /** How many conditions or lists may still be followed by a block. */
  #conditions = 0;
  #at = 0;

  constructor(tokens: readonly Token[], bound: BoundValues) {
    this.#context = new TokenContext(tokens);
    this.#bound = bound;
    this.#targets = new RecordTargets(this.#context, bound);
  }

  judge(): void {
    const { tokens } = this.#context;
    for (this.#at = 0; this.#at < tokens.length; this.#at++) {
      const token = tokens[this.#at];
      if (token !== undefined) this.#look(token);
    }
  }

  #look(token: Token): void {
    const context = this.#context;
    const at = this.#at;
    if (token.kind === 'unknown') throw new Verdict('impure', token.text.slice(0, 20), 'it cannot be read');
    if (token.doubtful) throw new Verdict('impure', token.text, 'it cannot be read with certainty');
    if (token.kind === 'regex') throw new Verdict('impure', token.text, 'regular expressions are not looked into');
    if (token.kind === 'mark') this.#mark(token);
    if (token.kind === 'mark' || context.isKey(at)) return;
    const keyword = token.kind === 'word' && !context.isMember(at) && !context.is(at + 1, '::') ? token.value : '';
    if (
      token.kind === 'word' &&
      context.beginsStatement(at) &&
      !statementWords.has(keyword) &&
      !context.isExpression(at)
    ) {
      throw new Verdict('impure', token.text, `${token.text} is not among the statements known to do the same again`);
    }
    // RETURN may also be a clause.
    if (keyword === 'RETURN' || closers.has(keyword)) return;
    if (openers.has(keyword) && !statementWords.has(keyword)) return;
    if (context.endsValue(at - 1)) throw this.#unexpected(token);
    if (statementWords.has(keyword)) this.#statement(keyword);
    else if (token.kind === 'string') this.#string(token);
    else if (token.kind === 'parameter') this.#parameter(token);
    else if (token.kind === 'word' || token.kind === 'name') this.#path(token);
  }

  #statement(keyword: string): void {
    if (keyword === 'CREATE' || keyword === 'UPSERT') this.#targets.require(keyword, this.#at);
    else if (keyword === 'RELATE') this.#targets.requireEdge(this.#at);
    else if (keyword === 'INSERT') this.#targets.requireRows(this.#at);
    else if (keyword === 'IF' || keyword === 'FOR') this.#conditions++;
  }

  #mark({ text }: Token): void {
    const before = this.#context.at(this.#at - 1);
    const behindValue = this.#context.endsValue(this.#at - 1);
    if (text === '|') throw new Verdict('impure', '|', 'closures and generated ids are not looked into');
    if (text === '(' && behindValue && before?.kind !== 'word' && before?.kind !== 'name') {
      throw new Verdict('impure', `${before?.text}(`, 'it calls something that is not known by its name');
    }
    if (text === '@') throw new Verdict('impure', '@', 'full-text search is not known to do the same again');
    if (text === '{' && behindValue && --this.#conditions < 0) {
      throw new Verdict('impure', `${before?.text} {`, 'this block is not known to do the same again');
    }
  }

  #string({ text }: Token): void {
    if (text.startsWith('f')) throw new Verdict('outside', text, 'a file is no part of the database');
    if (!text.startsWith('r')) return;
    // A quoted record id is a text of its own, which may hold any expression: r"person:rand()".
    if (text.includes('\\')) throw new Verdict('impure', text, 'an escape in a record id may hide a function');
    try {
      new Judge(tokenize(text.slice(2, -1)), this.#bound).judge();
    } catch (inside) {
      throw inside instanceof Verdict ? new Verdict(inside.kind, text, inside.reason) : inside;
    }
  }

  #parameter({ text, value }: Token): void {
    if (value.includes('\\')) throw new Verdict('impure', text, 'an escape in a name may hide which parameter it is');
    if (this.#context.is(this.#at + 1, '(')) {
      throw new Verdict('impure', `${text}()`, 'what it calls is not known by its name');
    }
  }

  /** A path of names joined by `::`, which may be called. */
  #path(token: Token): void {
    const context = this.#context;
    const parts = [token];
    let end = this.#at + 1;
    while (context.is(end, '::')) {
      const part = context.at(end + 1);
      if (part === undefined || (part.kind !== 'word' && part.kind !== 'name')) throw this.#unexpected(token);
      parts.push(part);
      end += 2;
    }
    const name = parts.map((part) => (part.kind === 'name' ? part.value : part.text).toLowerCase()).join('::');
    const family = name.split('::')[0] ?? '';
    const called = context.is(end, '(');
    this.#refuseOutside(name, family, called);
    if (called) {
      if (context.is(this.#at - 1, '.')) {
        if (!pureMethods.has(name)) throw impure(`.${name}()`, 'this method may give something else next time');
      } else this.#refuseCall(name, family, end);
    } else if (parts.length > 1 && !constantFamilies.has(family)) {
      throw impure(name, 'it is not known to be the same again');
    }
    this.#at = end - 1;
  }

  #refuseOutside(name: string, family: string, called: boolean): void {
    if (name === 'function' && called) throw new Verdict('outside', 'function()', 'a script may do anything');
    if (name.includes('::') && outsideFamilies.has(family)) {
      throw new Verdict('outside', `${name}()`, 'what it does outside of the transaction cannot be undone');
    }
  }

  #refuseCall(name: string, family: string, open: number): void {
    if (name === 'type::field' || name === 'type::fields') {
      const argument = this.#context.at(open + 1);
      const only = argument?.kind === 'parameter' && this.#context.is(open + 2, ')');
      if (only && isPlain(this.#bound.of(argument))) return;
      throw impure(`${name}()`, 'the fields it names are not known to be mere names');
    }
    if (!pureFunctions.has(name)) throw impure(`${name}()`, 'it may give something else next time');
    if (family === 'time' && this.#context.is(open + 1, ')')) {
      throw impure(`${name}()`, 'without a time given it means now');
    }
  }

  #unexpected(token: Token): Verdict {
    const before = this.#context.at(this.#at - 1)?.text ?? '';
    return impure(`${before} ${token.text}`.trim(), 'it is not known to do the same again');
  }
}

function impure(culprit: string, reason: string): Verdict {
  return new Verdict('impure', culprit, reason);
}

/** Whether these are field names without any call in them. */
export function isPlain(fields: unknown): boolean {
  const list: unknown[] = Array.isArray(fields) ? fields : [fields];
  return list.every((field) => typeof field === 'string' && !field.includes('('));
}
