/**
 * A copy of an error without some of its properties. It is a true error, since `Error.isError()` and loggers check for
 * one.
 */
export function copiedError(error: Error, without: readonly PropertyKey[]): Error {
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  for (const key of Reflect.ownKeys(error)) {
    const property = without.includes(key) ? undefined : Object.getOwnPropertyDescriptor(error, key);
    if (property !== undefined) Object.defineProperty(copy, key, property);
  }
  return copy;
}
