import { Call } from '../calls/call.js';
import type { Admission, LastStatement, TransactionAdmission } from '../calls/ledger.js';
import type { Layer } from '../calls/pipeline.js';
import type { Answer } from '../wire/answer.js';
import type { ServerTransaction } from './server-transaction.js';

/** The calls of one transaction that the ledger of its caller admits, and the statement that it wants sent last. */
export class AdmittedCalls {
  readonly #admission: TransactionAdmission;
  readonly #refuseLateCalls: () => void;
  /** Of the calls under way. */
  readonly #admitted = new WeakMap<Call, Admission>();

  /** @param refuseLateCalls throws when the transaction has ended while a hook of the user decided about a call */
  constructor(admission: TransactionAdmission, refuseLateCalls: () => void) {
    this.#admission = admission;
    this.#refuseLateCalls = refuseLateCalls;
  }

  /** A layer that asks the ledger about a call in its turn, before anything of it is sent. */
  readonly admits: Layer<Call, Answer> = async (call, next) => {
    const asking = this.#admission.admit(call);
    const admitted = asking instanceof Promise ? await asking : asking;
    const { size } = admitted;
    const asked = call.with(size === undefined ? {} : { size });
    this.#admitted.set(asked, admitted);
    // A hook of the user may have taken long.
    if (asking instanceof Promise) {
      try {
        this.#refuseLateCalls();
      } catch (error) {
        admitted.failed(error);
        throw error;
      }
    }
    return await next(asked);
  };

  /**
   * A layer that tells the ledger how a call ended, before a failure aborts the transaction; an answer that is too large
   * is one.
   */
  readonly settles: Layer<Call, Answer> = async (call, next) => {
    const admitted = this.#admitted.get(call);
    let answer: Answer;
    try {
      answer = await next(call);
    } catch (error) {
      admitted?.failed(error);
      throw error;
    }
    admitted?.answered(answer);
    return answer;
  };

  /** Sends the last statement of the ledger, if there is one, as a part of the transaction. */
  async sendLast(server: ServerTransaction): Promise<void> {
    let last: LastStatement | undefined;
    try {
      last = this.#admission.last();
      if (last === undefined) return;
      const answer = await server.send(Call.of(last.query));
      const failure = answer.find(({ error }) => error !== undefined)?.error;
      if (failure !== undefined) throw failure;
      last.check(answer);
    } catch (error) {
      throw last?.failed(error) ?? error;
    }
  }
}
