import { beforeEach, expect, test } from 'vitest';
import { bareSdk } from '../support/bare.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();

/** Its second row violates the index, so that nothing of it must be stored. */
const insertOfTwo = 'INSERT INTO tag [{ id: 1, name: "new" }, { id: 2, name: "taken" }]';
const createOfOne = 'CREATE tag:3 SET name = "taken"';

beforeEach(async () => {
  await own.engine.query(
    `REMOVE TABLE IF EXISTS tag; DEFINE TABLE tag; DEFINE INDEX only ON tag FIELDS name UNIQUE;
     CREATE tag:0 SET name = "taken"`,
    place,
  );
});

/** The numbers of the tags that are stored beside the first one. */
async function stored(): Promise<unknown[]> {
  const [numbers] = await own.engine.query('SELECT VALUE record::id(id) FROM tag WHERE id != tag:0', place);
  return Array.isArray(numbers) ? numbers : [numbers];
}

test.for<[what: string, text: string, rows: number[]]>([
  ['the first rows of an INSERT', insertOfTwo, [1]],
  ['the very row that violates a UNIQUE index', createOfOne, [3]],
])('a transaction of the SDK by itself commits what a failed statement left: %s', async ([, text, rows], { skip }) => {
  const client = await bare.connect((await own.listen()).url, { ...place, reconnect: false });
  const transaction = await client.beginTransaction();
  await expect(transaction.query(text)).rejects.toThrow('already contains');
  const [commit] = await Promise.allSettled([transaction.commit()]);
  const left = await stored();
  skip(commit.status === 'rejected' && left.length === 0, 'a failed statement now fails its whole transaction');
  skip(left.length === 0, 'the server no longer keeps what a failed statement had written');
  expect(commit.status).toBe('fulfilled');
  expect(left).toEqual(rows);
});

test.each([insertOfTwo, createOfOne])(
  'a BEGIN ... COMMIT block through the pool rolls back whole: %s',
  async (text) => {
    const pool = await own.connect(await own.listen());
    const block = pool.query(`BEGIN; CREATE tag:9 SET name = "nine"; ${text}; COMMIT`).collect();
    await expect(block).rejects.toThrow();
    expect(await stored()).toEqual([]);
  },
);
