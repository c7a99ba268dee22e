import { beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionManager, createPool, SavepointUnsupportedError } from '../../../src/index.js';
import { rocksdbUrl } from '../../support/temporary.js';
import { prepared } from '../../support/undone-parts.js';

/** What may give something else the next time makes a savepoint behind it be refused, however it is hidden in the text. */
let pool: ConnectionManager;
beforeAll(async () => {
  pool = await createPool(rocksdbUrl(), { namespace: 'test', database: 'test', minConnections: 0, maxConnections: 3 });
  return () => pool.shutdown({ gracePeriod: 0 });
});

const operators =
  'OUTSIDE INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE INTERSECTS MATCHES CONTAINS CONTAINSNOT CONTAINSALL CONTAINSANY CONTAINSNONE IN AND OR IS = == != ?= *= ~ !~ ?~ *~ ∋ ∌ ⊇ ⊃ ⊅ ∈ ∉ ⊆ ⊂ ⊄ × ÷ ?? ?: && || + - * < > <= >='.split(
    ' ',
  );
const texts: readonly string[] = [
  ...operators.map(
    (operator) => `UPDATE t:1 SET a = (1 ${operator} /'/), n = rand(), b = (2 ${operator} /'/) RETURN NONE`,
  ),
  "UPDATE t:1 MERGE /'/, n = rand() RETURN NONE",
  "RETURN IF true THEN /'/ ELSE rand() END; RETURN /'/",
  "UPDATE t:1 SET a = [/'/, rand(), /'/] RETURN NONE",
  "UPDATE t:1 SET a = { a: /'/, b: rand(), c: /'/ } RETURN NONE",
  "UPDATE t:1 SET a = 1 OUTSIDE /'/, n = sequence::nextval('q'), b = 2 OUTSIDE /'/",
  'CREATE r"t:rand\\u{28}\\u{29}" RETURN NONE',
  "CREATE r't:rand\\u{28}\\u{29}' RETURN NONE",
  'CREATE r"t:ulid\\u{28}\\u{29}" RETURN NONE',
  'CREATE r"t:\\u{72}and()" RETURN NONE',
  'UPDATE t:1 SET n = rand /* a remark */ () RETURN NONE',
  'UPDATE t:1 SET n = rand -- a remark\n() RETURN NONE',
  'UPDATE t:1 SET n = RAND::UUID() RETURN NONE',
  'UPDATE t:1 SET n = `rand`() RETURN NONE',
];

describe('a savepoint is refused behind a text with something random in it', () => {
  test.each(texts)('%s', async (text) => {
    await prepared(pool, { schema: 'CREATE t:1; DEFINE SEQUENCE OVERWRITE q', tables: ['t'] });
    await using connection = await pool.acquire();
    await using transaction = await connection.beginTransaction();
    const isMade = await transaction.query(text).then(
      () => true,
      () => false,
    );
    // What the server does not understand has done nothing.
    if (isMade) await expect(transaction.savepoint()).rejects.toThrow(SavepointUnsupportedError);
    await transaction.rollback();
  });
});
