#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { ConfigurationError } from '../errors/configuration.js';
import { load } from './load.js';
import { print } from './output.js';

interface Command {
  readonly summary: string;
  /** @returns the exit code */
  readonly run: (parameters: readonly string[]) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  load: { summary: 'drive a workload through a pool and report waits, latencies and errors', run: load },
};

const help = `surreal-pool: the connection pool for SurrealDB

Usage: surreal-pool <command> [options]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name}   ${summary}`)
  .join('\n')}

Options:
  --help      show this, or with a command, what that one takes
  --version   show the version
`;

/** What the pool warns of, the command says in its own words, in one line. */
function replaceWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name !== 'SurrealPoolWarning') process.stderr.write(`${name}: ${message}\n`);
  });
}

async function main([name, ...parameters]: readonly string[]): Promise<number> {
  replaceWarnings();
  if (name === undefined || name === '--help' || name === 'help') return await print(help);
  if (name === '--version') return await print(`${version()}\n`);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const allowed = Object.keys(commands).join(', ');
    process.stderr.write(`surreal-pool: given ${JSON.stringify(name)}; allowed: ${allowed}, --help, --version\n`);
    return 2;
  }
  if (parameters.includes('--version')) return await print(`${version()}\n`);
  return await command.run(parameters);
}

function version(): string {
  const description: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String((description as { version: unknown }).version);
}

/** What went wrong, in one line; only a mistake in the options needs more. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ConfigurationError ? error.message : (error.message.split('\n', 1)[0] ?? error.name);
}

// Whoever reads the report may close it early: `surreal-pool load | head`.
process.stdout.on('error', () => {});

try {
  // By force, because an embedded engine may keep threads that hold the process.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`surreal-pool: ${reason(error)}\n`);
  process.exit(error instanceof ConfigurationError ? 2 : 1);
}
