import { afterAll, beforeAll } from 'vitest';
import { Front } from '../support/front.js';
import { SharedEngine } from '../support/shared-engine.js';
import { rocksdbUrl } from '../support/temporary.js';

/**
 * Where a load is played: on an engine inside the process, and over sockets, for the tests of the `describe` that calls
 * it. On rocksdb, because the other engines lose updates by themselves.
 */
export function ownPlaces(): [where: string, endpoint: () => string][] {
  let engine: SharedEngine;
  let front: Front;

  beforeAll(async () => {
    engine = await SharedEngine.open(rocksdbUrl());
    front = await Front.listen(engine);
  });
  afterAll(async () => {
    await front.close();
    await engine.close();
  });

  return [
    ['embedded', () => rocksdbUrl()],
    ['over sockets', () => front.url],
  ];
}
