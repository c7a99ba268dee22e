import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Has the garbage collector do its work now. */
export const collectGarbage = runInNewContext('gc') as () => void;
