import type { TestProject } from 'vitest/node';
import { type ServerAddress, ServerProcess } from './server-process.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The real server the tests run against; undefined where they bring their own engine. */
    server: ServerAddress | undefined;
  }
}

/** Finds the server of `npm run test:server`, or starts one for as long as the tests run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { SURREALDB_URL, SURREALDB_USER, SURREALDB_PASSWORD } = process.env;
  if (SURREALDB_URL !== undefined) {
    const url = new URL('/rpc', SURREALDB_URL).href;
    project.provide('server', { url, username: SURREALDB_USER ?? 'root', password: SURREALDB_PASSWORD ?? 'secret' });
    return async () => {};
  }
  const server = await ServerProcess.start();
  const { url, username, password } = server;
  project.provide('server', { url, username, password });
  return () => server.kill();
}
