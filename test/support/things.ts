import { RecordId, Table } from 'surrealdb';
import { place, type Surroundings } from './surroundings.js';

/** The table that most tests write to. */
export const thing = new Table('thing');

export const id = (number: number): RecordId => new RecordId('thing', number);

/** The numbers of the things that are stored, asked for beside every pool. */
export async function storedThings(own: Surroundings): Promise<unknown> {
  const [numbers] = await own.engine.query('RETURN (SELECT VALUE record::id(id) FROM thing).sort()', place);
  return numbers;
}
