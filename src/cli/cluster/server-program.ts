// One server of the cluster, a process of its own: it takes connections and hands on what comes to the process that holds
// the store, which keeps the sessions of each socket. What is killed or frozen here is what a caller sees of a server.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const [port = 0, store = 0] = process.argv.slice(2).map(Number);

/** Ends both when one ends or fails, as a server does that is left alone with half a connection. */
function join(one: Socket, other: Socket): void {
  one.setNoDelay(true);
  one.on('error', () => {});
  one.on('close', () => other.destroy());
  one.pipe(other);
}

// The terminal sends its signals to all processes of a command. This one ends with the process that started it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
// It may have gone while this program was loaded.
if (!process.connected) process.exit();

const server = createServer((client) => {
  const behind = connect(store, '127.0.0.1');
  join(client, behind);
  join(behind, client);
});
server.listen(port, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
