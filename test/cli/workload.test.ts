import { RecordId } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { type Queryable, RecordWorkload } from '../../src/cli/workload.js';

interface Sent {
  readonly statement: string;
  readonly bindings: Readonly<Record<string, unknown>>;
}

/** Notes what is sent, and answers every statement with the same. */
function recorder(answer: unknown): { database: Queryable; sent: Sent[] } {
  const sent: Sent[] = [];
  const query = async (statement: string, bindings: Sent['bindings'] = {}): Promise<unknown[]> => {
    sent.push({ statement, bindings });
    return [answer];
  };
  return { database: { query } as unknown as Queryable, sent };
}

async function sentBy(workload: RecordWorkload, operations: number): Promise<Sent[]> {
  const { database, sent } = recorder({});
  for (let operation = 0; operation < operations; operation++) await workload.next().run(database);
  return sent;
}

const verb = ({ statement }: Sent): string | undefined => statement.split(' ')[0];

describe('the records that are worked on', () => {
  test('are stored in one transaction, all or nothing', async () => {
    const { database, sent } = recorder(null);
    await new RecordWorkload({ read: 1, write: 1 }).prepare(database);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.statement).toMatch(/^BEGIN; .*; COMMIT$/);
    expect(sent[0]?.bindings.records).toHaveLength(1_000);
  });

  test('are in a table that no other run has, and that is removed at the end', async () => {
    const workload = new RecordWorkload({ read: 1, write: 1 });
    expect(new RecordWorkload({ read: 1, write: 1 }).table.name).not.toBe(workload.table.name);
    const { database, sent } = recorder(null);
    await workload.cleanUp(database);
    expect(sent[0]?.statement).toBe(`REMOVE TABLE IF EXISTS ${workload.table.name}`);
  });
});

describe('the operations', () => {
  test('read or write as the mix says', async () => {
    expect((await sentBy(new RecordWorkload({ read: 1, write: 0 }), 50)).map(verb)).toEqual(Array(50).fill('SELECT'));
    expect((await sentBy(new RecordWorkload({ read: 0, write: 1 }), 50)).map(verb)).not.toContain('SELECT');
  });

  test('create and update by turns', async () => {
    const sent = await sentBy(new RecordWorkload({ read: 0, write: 1 }), 6);
    expect(sent.map(verb)).toEqual(['CREATE', 'UPDATE', 'CREATE', 'UPDATE', 'CREATE', 'UPDATE']);
  });

  test('read and update what was stored before, and create what was not', async () => {
    for (const sent of await sentBy(new RecordWorkload({ read: 1, write: 1 }), 200)) {
      const { record } = sent.bindings;
      if (!(record instanceof RecordId)) throw new Error(`${sent.statement} names no record`);
      if (verb(sent) === 'CREATE') expect(record.id).toEqual(expect.any(String));
      else expect(record.id).toSatisfy((id: number) => Number.isInteger(id) && id >= 0 && id < 1_000);
    }
  });

  test('fail when a record is not found, since it was stored', async () => {
    const workload = new RecordWorkload({ read: 1, write: 0 });
    await expect(workload.next().run(recorder(undefined).database)).rejects.toThrow('was not found');
    await expect(workload.next().run(recorder(null).database)).rejects.toThrow('was not found');
  });
});
