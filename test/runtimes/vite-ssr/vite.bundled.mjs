import { defineConfig } from 'vite';

export default defineConfig({
  build: { ssr: 'main.mjs', outDir: 'bundled' },
  ssr: { noExternal: true, external: ['@surrealdb/node'] },
});
