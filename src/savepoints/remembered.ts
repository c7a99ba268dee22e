import { RecentTexts } from '../surrealql/recent-texts.js';

/** Longer texts are usually generated anew each time, and would take too much memory. */
const longest = 10_000;

/** A result, and whether it holds for the text with any parameters. */
interface Finding<Value> {
  readonly value: Value;
  readonly holdsForText: boolean;
}

/** Caches a result for each text, while the text is among the recent ones. */
export function rememberedByText<Value>(): (text: string, find: () => Finding<Value>) => Value {
  const known = new RecentTexts<Value>();
  return (text, find) => {
    const found = known.of(text);
    if (found !== undefined) return found;
    const { value, holdsForText } = find();
    if (!holdsForText || text.length > longest) return value;
    known.remember(text, value);
    return value;
  };
}
