/**
 * The smallest size from 1 to `most` that is enough, by halves: a larger pool is never worse. Undefined when even the
 * largest is not.
 */
export async function smallestEnough(
  most: number,
  isEnough: (size: number) => Promise<boolean>,
): Promise<number | undefined> {
  if (!(await isEnough(most))) return undefined;
  let tooFew = 0;
  let enough = most;
  while (enough - tooFew > 1) {
    const size = Math.floor((tooFew + enough) / 2);
    if (await isEnough(size)) enough = size;
    else tooFew = size;
  }
  return enough;
}
