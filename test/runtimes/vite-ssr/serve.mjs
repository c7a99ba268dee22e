// The server for development, which SvelteKit, Nuxt and Remix build on: modules are loaded through Vite.
import { createServer } from 'vite';

const server = await createServer({ server: { middlewareMode: true }, appType: 'custom', logLevel: 'warn' });
const { program } = await server.ssrLoadModule('/program.mjs');
console.log(await program());
await server.close();
