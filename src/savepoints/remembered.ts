/** How many texts are remembered. A program has few; builders make new ones all the time, with new names in them. */
const most = 1000;

/** Longer ones are made by a program anew each time, and would be too much to keep. */
const longest = 10_000;

/** What was found out, and whether it holds for the text alone, whatever its parameters are. */
interface Finding<Value> {
  readonly value: Value;
  readonly holdsForText: boolean;
}

/** Finds something out about a text once, and remembers it while the text is among the last that were new. */
export function rememberedByText<Value>(): (text: string, find: () => Finding<Value>) => Value {
  const known = new Map<string, Value>();
  return (text, find) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const { value, holdsForText } = find();
    if (!holdsForText || text.length > longest) return value;
    const [oldest] = known.size < most ? [] : known.keys();
    if (oldest !== undefined) known.delete(oldest);
    known.set(text, value);
    return value;
  };
}
