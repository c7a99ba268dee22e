import { ConfigurationError, type ConfigurationIssue } from '../../src/errors/configuration.js';

/** The error that `action` throws, which has to be about the configuration. */
export function refusalOf(action: () => unknown): ConfigurationError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The same for what fails later. */
export async function laterRefusalOf(action: () => Promise<unknown>): Promise<ConfigurationError> {
  const outcome = await action().then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  if (outcome instanceof ConfigurationError) return outcome;
  throw outcome;
}

/** The one issue at a path. */
export function issueAt(error: ConfigurationError, path: string): ConfigurationIssue {
  const issues = error.issues.filter((issue) => issue.path === path);
  const [issue] = issues;
  if (issue === undefined || issues.length > 1) {
    throw new Error(`${issues.length} issues at ${path}; there are ${error.issues.map(({ path }) => path).join(', ')}`);
  }
  return issue;
}
