import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Has the garbage collector do its work now. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** Resolves when nothing keeps what was held, and rejects when something still does after many collections. */
export async function collected(held: WeakRef<object>): Promise<void> {
  for (let look = 0; look < 40; look++) {
    // What was looked at in a turn is kept until its end.
    await new Promise((resolve) => setTimeout(resolve, 25));
    collectGarbage();
    if (held.deref() === undefined) return;
  }
  throw new Error('it is still kept by something');
}
