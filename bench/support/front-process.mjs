// A server of real sockets over an embedded engine in memory, in a process of its own. Started by server.mjs.
import { Front } from '../../test/support/front.js';
import { SharedEngine } from '../../test/support/shared-engine.js';

const front = await Front.listen(await SharedEngine.open('mem://'));
process.send?.(front.url);
process.once('disconnect', () => process.exit(0));
