import { onlyReads } from '../surrealql/only-reads.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import type { Statement } from './load-plan.js';
import type { OperationKind } from './measurements.js';
import type { Random } from './seeded-random.js';
import type { Operation, Queryable, Workload } from './workload.js';

/** `$rand` is a whole number from 0 to below this. */
export const randomBound = 1_000_000;

interface Prepared extends Statement {
  readonly kind: OperationKind;
  readonly needs: { readonly i: boolean; readonly rand: boolean };
}

/**
 * Statements of the user's own. Each operation sends the whole text of one of them, chosen by weight, with the number of
 * the operation as `$i` and a random number as `$rand`. No record is stored before, and nothing is removed afterwards.
 */
export class StatementWorkload implements Workload {
  readonly #statements: readonly Prepared[];
  readonly #weight: number;
  readonly #random: Random;
  #begun = 0;

  constructor(statements: readonly Statement[], random: Random) {
    this.#random = random;
    this.#weight = statements.reduce((sum, { weight }) => sum + weight, 0);
    this.#statements = statements.map((statement) => ({
      ...statement,
      kind: onlyReads(new SurrealText(statement.text)) ? 'read' : 'write',
      needs: { i: /\$i\b/.test(statement.text), rand: /\$rand\b/.test(statement.text) },
    }));
  }

  /** Runs each statement once, so that one that cannot be run is told before the load. */
  async prepare(database: Queryable): Promise<void> {
    for (const statement of this.#statements) {
      try {
        await this.#operation(statement).run(database);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${statement.name} fails: ${reason}`, { cause });
      }
    }
  }

  next(): Operation {
    return this.#operation(this.#choose());
  }

  async cleanUp(): Promise<void> {}

  #operation({ text, kind, needs }: Prepared): Operation {
    const bindings: Record<string, unknown> = {};
    const i = this.#begun++;
    if (needs.i) bindings.i = i;
    if (needs.rand) bindings.rand = Math.floor(this.#random() * randomBound);
    return {
      kind,
      run: async (connection: Queryable) => {
        await connection.query(text, bindings);
      },
    };
  }

  #choose(): Prepared {
    const [first, ...others] = this.#statements;
    if (first === undefined) throw new Error('there is no statement to run');
    if (others.length === 0) return first;
    let place = this.#random() * this.#weight;
    for (const statement of this.#statements) {
      place -= statement.weight;
      if (place < 0) return statement;
    }
    return first;
  }
}
