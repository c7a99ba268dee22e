/** Plays it when it is asked for first, and gives every other test the same: what takes its time side by side is waited for once. */
export function once<T>(play: () => Promise<T>): () => Promise<T> {
  let played: Promise<T> | undefined;
  return () => {
    played ??= play();
    return played;
  };
}
