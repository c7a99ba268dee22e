// The names that the code in the documentation uses without saying where they come from, because every reader knows.
// Whatever belongs to one page only is given there, in a comment before the block: <!-- given: declare const … -->

declare const pool: import('surreal-pool').ConnectionManager;
declare const connection: import('surreal-pool').PooledConnection;

declare const createPool: typeof import('surreal-pool').createPool;
declare const ConnectionManager: typeof import('surreal-pool').ConnectionManager;
declare const RecordId: typeof import('surrealdb').RecordId;
declare type RecordId = import('surrealdb').RecordId;
declare const Table: typeof import('surrealdb').Table;
declare const surql: typeof import('surrealdb').surql;

declare const url: string;
declare const username: string;
declare const password: string;
declare const email: string;
declare const token: string;
