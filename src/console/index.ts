export type { ConnectionManager } from '../manager.js';
