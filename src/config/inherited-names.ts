/**
 * The names that an object of a class answers to besides its own: getters of its class, and what is inherited from an object.
 * Not the methods of a class, nor what an application has put into the prototype of all objects.
 */
export function inheritedNames(given: object): readonly string[] {
  let prototype = parentOf(given);
  if (prototype === null || isRoot(prototype)) return [];
  const names = new Set<string>();
  for (; prototype !== null && !isRoot(prototype); prototype = parentOf(prototype)) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if ((property.enumerable || property.get !== undefined) && !Object.hasOwn(given, name)) names.add(name);
    }
  }
  return [...names];
}

function parentOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}

/** The prototype of all objects, of this realm or another. */
function isRoot(object: object): boolean {
  return object === Object.prototype || (parentOf(object) === null && Object.hasOwn(object, 'isPrototypeOf'));
}
