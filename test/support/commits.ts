import type { Backend, Place } from './backend.js';
import type { Fault, RequestHook } from './front.js';

let databases = 0;

/** A database in a namespace of its own that no other test has seen, with a table `thing`. */
export async function newDatabase(backend: Backend, kind: 'STRICT' | '' = ''): Promise<Place> {
  const made = { namespace: `commits_${process.pid}_${++databases}`, database: 'test' };
  const { namespace, database } = made;
  await backend.query(`DEFINE NAMESPACE ${namespace}; USE NS ${namespace}; DEFINE DATABASE ${database} ${kind}`);
  await backend.query('DEFINE TABLE thing', made);
  return made;
}

/** Does something to the first commit, and something else to what comes after it. */
export function firstCommit(fault: ReturnType<RequestHook>, then: RequestHook = () => 'pass'): RequestHook {
  let committed = false;
  return (request, connection) => {
    if (committed) return then(request, connection);
    committed = request.method === 'commit';
    return committed ? fault : 'pass';
  };
}

/** Does something to the first query with these words in its text, or in its bindings. */
export function firstQuery(words: RegExp, fault: () => Fault | Promise<Fault>): RequestHook {
  let found = false;
  return ({ method, params }) => {
    if (found || method !== 'query' || !words.test(JSON.stringify(params))) return 'pass';
    found = true;
    return fault();
  };
}
