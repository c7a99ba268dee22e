// The native engine is a file that Node loads by itself. A program that only reaches servers needs nothing here.
export default { serverExternalPackages: ['@surrealdb/node'] };
