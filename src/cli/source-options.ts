import { refused } from '../config/form.js';
import type { DatabaseConfig } from '../config/options.js';
import { configFromEnvironment, configFromFile } from '../config/sources.js';
import { ConfigurationError } from '../errors/configuration.js';

/** What an option of the command is called in the environment. */
const variables = {
  endpoint: 'SURREAL_POOL_URL',
  namespace: 'SURREAL_POOL_NAMESPACE',
  database: 'SURREAL_POOL_DATABASE',
  username: 'SURREAL_POOL_USERNAME',
  password: 'SURREAL_POOL_PASSWORD',
  'pool-max': 'SURREAL_POOL_MAX_CONNECTIONS',
} as const;

export type OverridingOption = keyof typeof variables;

export const overridingOptions: readonly OverridingOption[] = Object.keys(variables) as OverridingOption[];

/** A configuration as a program that uses the library would read it. */
export interface ReadConfig {
  readonly config: DatabaseConfig;
  /** Where it was read, in words. */
  readonly source: string;
}

/**
 * Reads a JSON file, or else the environment, in which options of the command take the place of variables.
 * @param options undefined where a command has none, and its problems name only variables
 * @throws ConfigurationError that tells every problem there is, in the words of where it stands
 */
export async function readConfig(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  options: Readonly<Partial<Record<OverridingOption, string>>> | undefined = undefined,
): Promise<ReadConfig> {
  if (file !== undefined) return { config: await configFromFile(file), source: `the file ${file}` };
  const given = Object.entries(options ?? {}) as [OverridingOption, string][];
  const named = new Map(Object.entries(variables).map(([option, variable]) => [variable as string, `--${option}`]));
  const merged = { ...environment, ...Object.fromEntries(given.map(([option, text]) => [variables[option], text])) };
  try {
    const source = given.length === 0 ? 'the environment' : 'the options and the environment';
    return { config: configFromEnvironment(merged), source };
  } catch (error) {
    if (!(error instanceof ConfigurationError) || options === undefined) throw error;
    const issues = error.issues.map((issue) => {
      const option = named.get(issue.path);
      return { ...issue, path: option === undefined ? issue.path : `${option} or ${issue.path}` };
    });
    throw refused('The options and the environment', issues);
  }
}
