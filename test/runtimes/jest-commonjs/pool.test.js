const { createPool } = require('surreal-pool');
const { program } = require('./program.mjs');

test('the program runs', async () => {
  console.log(await program());
});

test('an error of Node itself is explained, which is not of the realm of the test', async () => {
  const options = { namespace: 'app', database: 'main', connectionTimeout: '2s' };
  await expect(createPool('ws://127.0.0.1:1', options)).rejects.toThrow('ECONNREFUSED');
});
