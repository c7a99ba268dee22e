import { RecentTexts } from '../surrealql/recent-texts.js';

/** Longer ones are made by a program anew each time, and would be too much to keep. */
const longest = 10_000;

/** What was found out, and whether it holds for the text alone, whatever its parameters are. */
interface Finding<Value> {
  readonly value: Value;
  readonly holdsForText: boolean;
}

/** Finds something out about a text once, and remembers it while the text is among the last that were new. */
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
