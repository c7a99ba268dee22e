import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What took part in a run, so that two reports can be compared. */
export interface Versions {
  /** Of surreal-pool. */
  readonly package: string;
  readonly node: string;
  /** Of the package `surrealdb`. */
  readonly sdk: string;
  /** Of the package `@surrealdb/node`; null when the database is on a server. */
  readonly engine: string | null;
  /** What the server says of itself, or the engine inside this process. */
  readonly server: string;
}

/** The versions of a run against this server. */
export function versionsWith(server: string, isEmbedded: boolean): Versions {
  return {
    package: packageVersion(),
    node: process.version.slice(1),
    sdk: versionOf('surrealdb') ?? 'unknown',
    engine: isEmbedded ? (versionOf('@surrealdb/node') ?? 'unknown') : null,
    server: server.replace(/^surrealdb-/, ''),
  };
}

/** The version of surreal-pool itself. */
export function packageVersion(): string {
  return readVersion(new URL('../../package.json', import.meta.url)) ?? 'unknown';
}

/** The version of an installed package; undefined when it is not installed. */
export function versionOf(name: string): string | undefined {
  let file: URL;
  try {
    file = new URL(import.meta.resolve(name));
  } catch {
    return undefined;
  }
  // Packages need not export their description, so it is looked for above the file that they do export.
  for (let folder = new URL('.', file); folder.pathname !== '/'; folder = new URL('..', folder)) {
    const description = new URL('package.json', folder);
    if (existsSync(fileURLToPath(description))) {
      const version = readVersion(description);
      if (version !== undefined) return version;
    }
  }
  return undefined;
}

function readVersion(file: URL): string | undefined {
  const description: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = typeof description === 'object' && description !== null && Reflect.get(description, 'version');
  return typeof version === 'string' ? version : undefined;
}
