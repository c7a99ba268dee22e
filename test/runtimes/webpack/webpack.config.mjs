export default {
  mode: 'production',
  target: 'node20',
  entry: './main.mjs',
  experiments: { outputModule: true },
  output: { module: true, filename: 'main.mjs', chunkFormat: 'module' },
  // The native engine is a file that Node loads by itself; ws asks for two packages that make it faster, where they are there.
  externals: {
    '@surrealdb/node': 'import @surrealdb/node',
    bufferutil: 'commonjs bufferutil',
    'utf-8-validate': 'commonjs utf-8-validate',
  },
  optimization: { minimize: true },
};
