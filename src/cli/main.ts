#!/usr/bin/env node
import { nearest } from '../config/nearest.js';
import { show } from '../config/refusal.js';
import { ConfigurationError } from '../errors/configuration.js';
import { checkConfig } from './check-config.js';
import { optionsHelp } from './command-line.js';
import { doctor } from './doctor.js';
import { wrap } from './formats.js';
import { load } from './load.js';
import { columnsOf, print } from './output.js';
import { top } from './top/top.js';
import { packageVersion } from './versions.js';

interface Command {
  readonly summary: string;
  /** @returns the exit code */
  readonly run: (parameters: readonly string[]) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  load: { summary: 'drive a workload through a pool and report how it went', run: load },
  top: { summary: 'show what a pool of another process does now', run: top },
  'check-config': { summary: 'read a configuration as a program does, and show it', run: checkConfig },
  doctor: { summary: 'check whether a pool works here: server, user, limits, latency', run: doctor },
};

function help(columns: number): string {
  const isNarrow = columns < 80;
  const rows = Object.entries(commands).flatMap(([name, { summary }]) =>
    isNarrow
      ? [`  ${name}`, ...wrap(summary, columns - 6).map((line) => `      ${line}`)]
      : `  ${name.padEnd(14)} ${summary}`,
  );
  const options = {
    help: { short: 'h', help: 'show this, or with a command, what that one takes' },
    version: { short: 'v', help: 'show the version' },
  };
  return `${wrap('surreal-pool: the connection pool for SurrealDB', columns).join('\n')}

Usage: surreal-pool <command> [options]

Commands:
${rows.join('\n')}

Options:
${optionsHelp(options, columns)}
`;
}

const helpNames = ['help', '--help', '-h'];
const versionNames = ['--version', '-v'];

/** Prints process warnings of the pool in one line, in the words of the command. */
function replaceWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name !== 'SurrealPoolWarning') process.stderr.write(`${name}: ${message}\n`);
  });
}

async function main([name, ...parameters]: readonly string[]): Promise<number> {
  replaceWarnings();
  if (name === undefined || helpNames.includes(name)) {
    const [asked] = parameters;
    // `surreal-pool help load`
    if (name !== 'help' || asked === undefined) return await print(help(columnsOf(process.stdout)));
    return await main([asked, '--help']);
  }
  if (versionNames.includes(name)) return await print(`${packageVersion()}\n`);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`surreal-pool: given ${show(name)}; allowed: ${allowedFor(name)}\n`);
    return 2;
  }
  if (parameters.some((parameter) => versionNames.includes(parameter))) return await print(`${packageVersion()}\n`);
  return await command.run(parameters);
}

/** The command that was probably meant, or all commands. */
function allowedFor(name: string): string {
  const names = Object.keys(commands);
  const candidates = [...names, '--help', '--version'];
  // Two swapped letters are two edits, which is too far for the search in a short name.
  const meant = nearest(name, candidates) ?? candidates.find((candidate) => letters(candidate) === letters(name));
  if (meant !== undefined) return `${meant} (did you mean that?)`;
  // `surreal-pool --sweep`: an option without its command.
  const before = name.startsWith('-') ? 'a command before its options: ' : '';
  return `${before}${names.join(', ')}, --help, --version`;
}

function letters(name: string): string {
  return [...name].sort().join('');
}

/** The error in one line; only mistakes in the options need more. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ConfigurationError ? error.message : (error.message.split('\n', 1)[0] ?? error.name);
}

// The reader of the report may close the pipe early: `surreal-pool load | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`surreal-pool: the report cannot be written: ${error.message}\n`);
  process.exit(1);
});

try {
  // By `exit()`, because an embedded engine may keep threads that hold the process.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`surreal-pool: ${reason(error)}\n`);
  process.exit(error instanceof ConfigurationError ? 2 : 1);
}
