import type { Token } from './token.js';

/** Names the server gives a meaning of its own in some places, whatever is bound to them. */
const contextual = new Set(
  'this parent value before after event input request reference auth session token access'.split(' '),
);

/** What is bound to the parameters of a text. */
export class BoundValues {
  /** Whether a value was looked at: if not, what was found holds for the text with any values. */
  used = false;
  readonly #bindings: Readonly<Record<string, unknown>>;
  /** Parameters the text itself sets, whose binding says nothing. */
  readonly #assigned = new Set<string>();

  constructor(tokens: readonly Token[], bindings: Readonly<Record<string, unknown>>) {
    this.#bindings = bindings;
    tokens.forEach((token, index) => {
      const before = tokens[index - 1]?.value;
      if (token.kind === 'parameter' && (before === 'LET' || before === 'FOR')) this.#assigned.add(token.value);
    });
  }

  /** What is bound to a parameter, when nothing else can be meant by it. */
  of({ value: name }: Token): unknown {
    if (this.#assigned.has(name) || contextual.has(name)) return undefined;
    this.used = true;
    return Object.hasOwn(this.#bindings, name) ? this.#bindings[name] : undefined;
  }
}
