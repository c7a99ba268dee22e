import { randomUUID } from 'node:crypto';
import type { AcquireOptions } from '../../manager/acquire-options.js';
import type { Scenario } from './scenario.js';
import type { Scene } from './scene.js';

const tenants = 50;
const operations = 4;
const connections = 20;
/** Every so many tenants one signs in as a user of its own. The others use the pool's. */
const withUser = 10;

interface Tenant extends AcquireOptions {
  readonly namespace: string;
  readonly database: string;
  readonly variables: { readonly tenant: string };
}

/** More tenants than connections, each in a database of its own: a connection becomes another's, and shows nothing. */
export const manyTenants: Scenario = {
  summary: `${tenants} tenants at once, a database each, on ${connections} connections`,
  async play(scene) {
    const pool = await scene.open({
      minConnections: 0,
      maxConnections: connections,
      onFirstUse: async (_, connection) => {
        await connection.query(`DEFINE TABLE IF NOT EXISTS ${scene.name} SCHEMALESS`);
      },
    });
    const all = await Promise.all(Array.from({ length: tenants }, (_, number) => tenantOf(scene, number)));
    const done = new Array<number>(tenants).fill(0);
    let strangers = 0;
    await Promise.all(
      all.map(async (tenant, number) => {
        for (let operation = 0; operation < operations; operation++) {
          const succeeded = await scene.operate(
            'write',
            async (connection) => {
              const [, seen] = await connection.query<[null, string[]]>(
                `CREATE type::record($table, $id) SET tenant = $tenant RETURN NONE; SELECT VALUE tenant FROM type::table($table)`,
                { table: scene.name, id: randomUUID() },
              );
              strangers += seen.filter((name) => name !== tenant.variables.tenant).length;
            },
            tenant,
          );
          if (succeeded) done[number] = (done[number] ?? 0) + 1;
        }
      }),
    );
    const served = done.filter((count) => count === operations).length;
    const { changes } = pool.poolStats();
    scene.expectSuccess(100);
    scene.expect('every tenant is served', `${served} of ${tenants}`, served === tenants);
    scene.expect("no tenant sees another's records", `${strangers} seen`, strangers === 0);
    scene.expect('connections change from tenant to tenant', `${changes} times`, changes > 0);
    scene.expectRest();
    if (!scene.place.endpoint.startsWith('mem:')) await pool.query(`REMOVE NAMESPACE IF EXISTS ${scene.name}`);
  },
};

async function tenantOf(scene: Scene, number: number): Promise<Tenant> {
  const database = `tenant_${number}`;
  const tenant = { namespace: scene.name, database, variables: { tenant: database } };
  if (number % withUser !== 0) return tenant;
  const password = randomUUID();
  await scene.pool
    .scope({ namespace: tenant.namespace, database })
    .query(`DEFINE USER OVERWRITE ${database} ON DATABASE PASSWORD "${password}" ROLES EDITOR`);
  return { ...tenant, credentials: { username: database, password, namespace: tenant.namespace, database } };
}
