import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const entry = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);

test('a process that has no sockets loads nothing for them: HTTP and TLS take longer than the package', () => {
  const script = `
    const { createPool } = await import(${entry});
    const pool = await createPool('mem://', { namespace: 'app', database: 'main' });
    await pool.query('RETURN 1');
    const loaded = process.moduleLoadList.filter((name) => /^NativeModule (https?|tls)$/.test(name));
    process.stdout.write(JSON.stringify(loaded), () => process.exit(0));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual([]);
});
