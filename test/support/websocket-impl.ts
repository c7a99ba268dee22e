import type { DriverOptions } from 'surrealdb';
import { WebSocket } from 'ws';

/** The socket of the SDK's clients. The option has the type of the browser's class, of which `ws` has all that the SDK uses on Node. */
export const websocketImpl = WebSocket as unknown as NonNullable<DriverOptions['websocketImpl']>;
