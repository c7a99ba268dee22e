import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { resolveConfig, resolveCredentials, resolveOptions } from '../../src/config/resolve.js';
import { configFromEnvironment } from '../../src/config/sources.js';
import type { ConfigurationError } from '../../src/errors/configuration.js';
import { laterRefusalOf, refusalOf } from './refusals.js';

const secret = 'hunter2-73519';
const place = { namespace: 'shop', database: 'orders' };
/** Refused in any case, so that there is an error to look at. */
const broken = { ...place, maxConnections: 'refused' };

function expectNoSecret(error: ConfigurationError): void {
  for (const text of [error.message, error.stack, inspect(error, { depth: 9 }), JSON.stringify(error)]) {
    expect(text).not.toContain('73519');
  }
}

describe('a secret is never in an error', () => {
  test.each([
    { username: secret, password: secret },
    { username: secret, password: secret, database: secret },
    { username: secret, password: 73519 },
    { username: secret, password: { value: secret } },
    { user: secret, pass: secret },
    { username: secret, pasword: secret },
    { token: secret, username: secret },
    { token: secret, namespace: secret },
    { token: [secret] },
    { access: secret, variables: { password: secret } },
    { access: secret, variables: secret },
    { access: secret, variables: [secret] },
    { access: { name: secret }, variables: { secret } },
    `root:${secret}`,
    73519,
    [secret],
  ])('from credentials like case %#', async (credentials) => {
    expectNoSecret(refusalOf(() => resolveOptions('mem://', { ...broken, credentials })));
    expectNoSecret(refusalOf(() => resolveConfig({ ...broken, credentials })));
  });

  test.each([{ username: secret }, { token: 73519 }, secret, null])(
    'from a function that returns %#',
    async (answer) => {
      expectNoSecret(await laterRefusalOf(() => resolveCredentials(() => answer as never)));
    },
  );

  test.each([
    `ws://root:${secret}@db:8000`,
    `ws://${secret}@db:8000`,
    `ws://root:${secret}@`,
    `ws://root:${secret}`,
    `ws://root:${secret}%40db`,
    `ws://root:${secret}/with?strange#letters@db:port`,
    `ws://db:8000/rpc?token=${secret}#top`,
    `ws://db:port?token=${secret}`,
    `http://root:${secret}@db:8000`,
    `surrealkv+versioned://root:${secret}@db`,
    `surreal://root:${secret}@db`,
    `mem://${secret}`,
    `root:${secret}@db:8000`,
    `//root:${secret}@db:8000`,
    ` ws://root:${secret}@db:8000`,
    secret,
    [`ws://root:${secret}@db`],
    { url: secret },
  ])('from an address like case %#', (url) => {
    expectNoSecret(refusalOf(() => resolveOptions(url, broken)));
    expectNoSecret(refusalOf(() => resolveConfig({ connectionMode: { type: 'local', endpoint: url }, ...broken })));
    expectNoSecret(refusalOf(() => resolveConfig({ connectionMode: { type: 'embedded', path: url }, ...broken })));
    expectNoSecret(refusalOf(() => resolveConfig({ connectionMode: { type: url }, ...broken })));
    expectNoSecret(refusalOf(() => resolveConfig({ connectionMode: url, ...broken })));
    expectNoSecret(refusalOf(() => resolveConfig(url)));
  });

  test('from options that stand in the wrong place', () => {
    const misplaced = { password: secret, token: secret, passwrod: secret, poolConfig: secret, logger: secret };
    expectNoSecret(refusalOf(() => resolveOptions('mem://', { ...broken, ...misplaced })));
    expectNoSecret(refusalOf(() => resolveConfig({ connectionMode: { type: 'in-memory' }, ...place, ...misplaced })));
    expectNoSecret(refusalOf(() => resolveOptions('mem://', { ...broken, retryPolicy: secret })));
  });

  test('from the environment', () => {
    expectNoSecret(
      refusalOf(() =>
        configFromEnvironment({
          SURREAL_POOL_URL: `ws://root:${secret}@db`,
          SURREAL_POOL_PASWORD: secret,
          SURREAL_POOL_PASSWORD: secret,
          SURREAL_POOL_TOKEN: secret,
        }),
      ),
    );
  });
});
