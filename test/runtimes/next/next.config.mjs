export default { serverExternalPackages: ['surreal-pool', '@surrealdb/node'] };
