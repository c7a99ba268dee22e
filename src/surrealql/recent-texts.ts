/** How many texts are cached. A program has few; builders make new ones all the time, with new parameter names. */
const most = 1000;

/** Caches a value for each text, while the text is among the recent ones. */
export class RecentTexts<Value> {
  readonly #known = new Map<string, Value>();

  of(text: string): Value | undefined {
    return this.#known.get(text);
  }

  remember(text: string, value: Value): void {
    const [oldest] = this.#known.size < most ? [] : this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(text, value);
  }
}
