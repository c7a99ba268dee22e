/** An error like this one, without some of its properties; a true error, for `Error.isError()` and loggers look for one. */
export function copiedError(error: Error, without: readonly PropertyKey[]): Error {
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  for (const key of Reflect.ownKeys(error)) {
    const property = without.includes(key) ? undefined : Object.getOwnPropertyDescriptor(error, key);
    if (property !== undefined) Object.defineProperty(copy, key, property);
  }
  return copy;
}
