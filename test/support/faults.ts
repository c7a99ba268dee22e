import type { Forwarder } from './forwarder.js';
import type { Front, FrontConnection, Fault as RequestFault } from './front.js';
import { nonsenses } from './nonsense.js';
import { oneOf, type Random } from './seeded-random.js';
import type { ServerProcess } from './server-process.js';

/** Something that goes wrong between a client and its server, from `begin()` until what that returns is called. */
export interface Fault {
  readonly name: string;
  begin(): () => Promise<void> | void;
}

/** So many of the requests are struck, and so many of the sockets. */
const share = 0.3;

/** The largest message that `ws` takes, and one byte. */
const tooLarge = 100 * 1024 * 1024 + 1;

const nothingToUndo = (): void => {};

/** Everything that a front can do to its clients. */
export function frontFaults(front: Front, random: Random): Fault[] {
  const toRequests = (name: string, fault: () => RequestFault): Fault => ({
    name,
    begin() {
      front.onRequest = () => (random() < share ? fault() : 'pass');
      return () => {
        front.onRequest = () => 'pass';
      };
    },
  });

  /** What a socket that is open would not notice comes with the loss of all sockets. */
  const toNewSockets = (name: string, flag: 'refuse' | 'blackHole'): Fault => ({
    name,
    begin() {
      front[flag] = true;
      front.dropAll();
      return () => {
        front[flag] = false;
      };
    },
  });

  const toSockets = (
    name: string,
    strike: (socket: FrontConnection) => void,
    undo: (socket: FrontConnection) => void = nothingToUndo,
  ): Fault => ({
    name,
    begin() {
      const struck = front.sockets.filter(() => random() < share);
      for (const socket of struck) strike(socket);
      return () => {
        for (const socket of struck) undo(socket);
      };
    },
  });

  return [
    toRequests('executed, reply and socket lost', () => 'drop'),
    toRequests('executed, never answered', () => 'swallow'),
    toRequests('socket lost before execution', () => 'kill'),
    toRequests('executed late', () => ({ delay: Math.floor(random() * 1_000) })),
    toRequests('answered with nonsense', () => ({ nonsense: oneOf(random, nonsenses) })),
    toNewSockets('handshake refused', 'refuse'),
    toNewSockets('handshake never answered', 'blackHole'),
    {
      name: 'shutting down',
      begin() {
        front.draining = true;
        return () => {
          front.draining = false;
        };
      },
    },
    toSockets(
      'half-open',
      (socket) => socket.halfOpen(),
      // A machine that comes back knows nothing of its old sockets.
      (socket) => socket.terminate(),
    ),
    toSockets('a frame that cannot be read', (socket) => socket.corrupt()),
    toSockets('a frame that is too large', (socket) => socket.oversize(tooLarge)),
    toSockets('a text frame', (socket) => socket.text()),
    toSockets('a flood of pings', (socket) => socket.floodPings(10_000)),
    toSockets('closed with a code', (socket) => socket.close(oneOf(random, [1000, 1001, 1008, 1011, 1012, 1013]))),
    toSockets('terminated', (socket) => socket.terminate()),
  ];
}

/** Everything that a network can do, whatever server is behind it. */
export function networkFaults(forwarder: Forwarder, random: Random): Fault[] {
  return [
    {
      name: 'cut off',
      begin() {
        forwarder.cut();
        return nothingToUndo;
      },
    },
    {
      name: 'cut off cleanly',
      begin() {
        forwarder.cutCleanly();
        return nothingToUndo;
      },
    },
    {
      name: 'nothing passes',
      begin() {
        forwarder.silence();
        return () => forwarder.resume();
      },
    },
    {
      name: 'everything is slow',
      begin() {
        forwarder.latency = 20 + Math.floor(random() * 200);
        return () => {
          forwarder.latency = 0;
        };
      },
    },
    {
      name: 'nobody listens',
      begin() {
        forwarder.refuse();
        forwarder.cut();
        return () => forwarder.accept();
      },
    },
    {
      name: 'accepted into silence',
      begin() {
        forwarder.acceptSilently = true;
        forwarder.cut();
        return () => {
          forwarder.acceptSilently = false;
          // Whoever was accepted into silence is still there, and would be for ever.
          forwarder.cut();
        };
      },
    },
  ];
}

/** What can be done to a server's process. */
export function processFaults(server: ServerProcess): Fault[] {
  return [
    {
      name: 'suspended',
      begin() {
        server.suspend();
        return () => server.resume();
      },
    },
    {
      name: 'killed and started again',
      begin() {
        const killed = server.kill();
        return async () => {
          await killed;
          await server.start();
        };
      },
    },
  ];
}
