import type { Token } from './token.js';

/** Names with a special meaning for the server in some places, whatever is bound to them. */
const contextual = new Set(
  'this parent value before after event input request reference auth session token access'.split(' '),
);

/** The values bound to the parameters of a text. */
export class BoundValues {
  /** Whether a value was read: if not, the result holds for the text with any values. */
  used = false;
  readonly #bindings: Readonly<Record<string, unknown>>;
  /** Parameters set by the text itself, whose binding does not count. */
  readonly #assigned = new Set<string>();

  constructor(tokens: readonly Token[], bindings: Readonly<Record<string, unknown>>) {
    this.#bindings = bindings;
    tokens.forEach((token, index) => {
      const before = tokens[index - 1]?.value;
      if (token.kind === 'parameter' && (before === 'LET' || before === 'FOR')) this.#assigned.add(token.value);
    });
  }

  /** The value bound to a parameter, if the name cannot mean anything else. */
  of({ value: name }: Token): unknown {
    if (this.#assigned.has(name) || contextual.has(name)) return undefined;
    this.used = true;
    return Object.hasOwn(this.#bindings, name) ? this.#bindings[name] : undefined;
  }
}
