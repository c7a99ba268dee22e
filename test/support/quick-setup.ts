import { leftOut } from '../../vitest.quick.config.js';

/** Says at the start and at the end of `npm run test:quick` that it is not the whole. */
export default function setup(): () => void {
  const say = (): void => {
    console.log('surreal-pool: the quick tests; `npm test` also runs');
    for (const what of Object.keys(leftOut)) console.log(`  - ${what}`);
  };
  say();
  return say;
}
