import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Programs of others that tests use where they are installed, and the variable that says where one is that is not on the PATH. */
const places = {
  prometheus: { variable: 'PROMETHEUS_BIN', holds: 'folder' },
  promtool: { variable: 'PROMETHEUS_BIN', holds: 'folder' },
  chromium: { variable: 'CHROMIUM_BIN', holds: 'file' },
} as const;

const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

export type Tool = keyof typeof places;

/** The path of a program, or undefined where it is not installed: then it says which tests are skipped. */
export function toolOnPath(tool: Tool): string | undefined {
  const { variable, holds } = places[tool];
  const { PATH = '', [variable]: own } = process.env;
  const named = own === undefined || own === '' ? [] : [holds === 'file' ? own : join(own, tool)];
  // Where `npm test` puts it: see scripts/get-prometheus.mjs.
  if (variable === 'PROMETHEUS_BIN') named.push(join(cache, 'prometheus/usr/bin', tool));
  const found = [...named, ...PATH.split(delimiter).map((folder) => join(folder, tool))].find(isProgram);
  if (found === undefined) {
    console.log(
      `surreal-pool: skipped the tests with ${tool}: no ${tool} on the PATH, and no ${variable} (its ${holds})`,
    );
  }
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
