import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { defaultPoolConfig } from '../../src/config/default-pool-config.js';
import { poolOptionPaths } from '../../src/config/pool-schema.js';
import { resolveConfig, resolveOptions } from '../../src/config/resolve.js';
import { configFromEnvironment, environmentVariables } from '../../src/config/sources.js';
import { refusalOf } from './refusals.js';

interface Row {
  readonly option: string;
  readonly initial: string;
  readonly allowed: string;
  readonly variables: readonly string[];
  readonly meaning: string;
}

const required = {
  SURREAL_POOL_URL: 'mem://',
  SURREAL_POOL_NAMESPACE: 'shop',
  SURREAL_POOL_DATABASE: 'orders',
};

describe('the tables of docs/configuration.md', () => {
  let page: string;
  let rows: readonly Row[];
  let poolRows: readonly Row[];

  beforeAll(async () => {
    page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    rows = page.split('\n').flatMap(rowOf);
    poolRows = rows.filter(({ option }) => poolOptionPaths.includes(`poolConfig.${option}`));
  });

  test('hold every option of the schema once, and no others', () => {
    const others = [
      'url',
      'loadBalancing',
      'namespace',
      'database',
      'name',
      'credentials',
      'onFirstUse',
      'retireOn',
      'logger',
    ];
    const codec = ['codecOptions.useNativeDates'];
    const options = poolOptionPaths.map((path) => path.replace('poolConfig.', ''));
    expect(rows.map(({ option }) => option).sort()).toEqual([...others, ...codec, ...options].sort());
  });

  test('hold every variable of the environment once, beside its option', () => {
    const documented = rows.flatMap(({ variables }) => variables);
    expect([...documented].sort()).toEqual([...environmentVariables.keys()].sort());
    for (const { option, variables } of poolRows) {
      expect(variables.map((name) => environmentVariables.get(name))).toEqual([`poolConfig.${option}`]);
    }
  });

  test('tell the defaults, in the spelling of the environment', () => {
    const spelled = Object.fromEntries(
      poolRows.flatMap(({ variables, initial }) => variables.map((name) => [name, initial])),
    );
    expect(Object.keys(spelled)).toHaveLength(poolOptionPaths.length);
    expect(resolveConfig(configFromEnvironment({ ...required, ...spelled })).pool).toEqual(defaultPoolConfig);
  });

  test('tell which options are required', () => {
    const requiredOptions = refusalOf(() => resolveOptions(undefined, {})).issues.map(({ path }) => path);
    const documented = rows.filter(({ initial }) => initial === 'required').map(({ option }) => option);
    expect(documented.sort()).toEqual(requiredOptions.sort());
  });

  test('tell where 0 and null are allowed', () => {
    // A zone may be called 0.
    for (const { option, initial, allowed, variables } of poolRows.filter(
      ({ option }) => option !== 'balancing.zone',
    )) {
      const [variable = ''] = variables;
      const documented = {
        zero: initial === '0' || (/\b0\b/.test(allowed) && !allowed.includes('more than 0')),
        null: initial === 'null' || /\bnull\b/.test(allowed),
      };
      const real = { zero: !isRefused({ [variable]: '0' }), null: !isRefused({ [variable]: 'null' }) };
      expect([option, real]).toEqual([option, documented]);
    }
  });

  test('say in a sentence what each option means', () => {
    for (const { meaning } of rows) expect(meaning).toMatch(/^[A-Z].*\.$/);
  });

  test('stand beside an error that reads as the real one does', () => {
    const url = 'ws://root:secret@db';
    const error = refusalOf(() =>
      resolveOptions(url, { namespace: 'n', database: 'd', minConnections: 30, max_lifetime: 1 }),
    );
    expect(page).toContain(`ConfigurationError: ${error.message}\n`);
  });

  test('stand beside examples of a file and an environment that work', () => {
    const json = /```json\n(.*?)```/s.exec(page)?.[1] ?? '';
    expect(resolveConfig(JSON.parse(json)).url).toBe('wss://db.example.com/rpc');
    const shell = /```sh\n(.*?)```/s.exec(page)?.[1] ?? '';
    const environment = Object.fromEntries(shell.split('\n').map((line) => line.split('=', 2)));
    expect(resolveConfig(configFromEnvironment(environment)).pool.idleTimeout).toBe(60_000);
  });
});

/** The row of a table of options; nothing for any other line. */
function rowOf(line: string): Row[] {
  const [, option, given, allowed, environment, meaning, end] = line.split('|').map((cell) => cell.trim());
  const name = /^`([\w.]+)`$/.exec(option ?? '')?.[1];
  if (!name || !given || !allowed || !environment || !meaning || end !== '') return [];
  // What follows says when it is another one.
  const initial = /^`([^`]+)`/.exec(given)?.[1] ?? given;
  return [{ option: name, initial, allowed, variables: environment.match(/SURREAL_POOL_\w+/g) ?? [], meaning }];
}

function isRefused(environment: Record<string, string>): boolean {
  try {
    // The bounds are moved out of the way: only the value itself is in question.
    const bounds = { SURREAL_POOL_MIN_CONNECTIONS: '0', SURREAL_POOL_RETRY_POLICY_INITIAL_BACKOFF: '0' };
    configFromEnvironment({ ...required, ...bounds, ...environment });
    return false;
  } catch {
    return true;
  }
}
