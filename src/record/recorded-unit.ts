import { type CallOfUnit, rounded, type UnitKind, type UnitLine } from './recording-format.js';

/** The most calls of one unit that are recorded one by one: a lease may last for days. */
const mostCalls = 1_000;

/** One call under way, or ended. */
export interface RecordedCall {
  readonly began: number;
  readonly shape: number;
  took: number | undefined;
  error: string | undefined;
}

/** A unit of work under way: from the acquire to the release. Times on the clock of the recording. */
export class RecordedUnit {
  kind: UnitKind;
  lent: number | undefined;
  /** The time of its connection that it has used, if it shares it. */
  busy = 0;
  shared = false;
  more = 0;
  readonly #calls: RecordedCall[] = [];

  constructor(
    readonly pool: number,
    kind: UnitKind,
    readonly identity: number,
    readonly agent: number | undefined,
    readonly asked: number,
  ) {
    this.kind = kind;
  }

  get callCount(): number {
    return this.#calls.length + this.more;
  }

  /** A call begins; undefined when there were too many to record each. */
  begin(shape: number, now: number): RecordedCall | undefined {
    if (this.#calls.length === mostCalls) {
      this.more++;
      return undefined;
    }
    const call: RecordedCall = { began: now, shape, took: undefined, error: undefined };
    this.#calls.push(call);
    return call;
  }

  /** The line of a unit that got no connection. */
  failed(error: string, now: number): UnitLine {
    return { ...this.#asked(), waited: rounded(now - this.asked), error };
  }

  /** The line of a unit that had a connection until `now`. */
  ended(now: number, isOpen: boolean): UnitLine {
    const { lent = now, more } = this;
    const calls = this.#calls.map(({ began, took = now - began, shape, error }): CallOfUnit => {
      const times = [rounded(began - lent), rounded(took), shape] as const;
      return error === undefined ? times : [...times, error];
    });
    return {
      ...this.#asked(),
      waited: rounded(lent - this.asked),
      held: rounded(now - lent),
      ...(this.shared ? { busy: rounded(this.busy) } : {}),
      ...(calls.length === 0 ? {} : { calls }),
      ...(more === 0 ? {} : { more }),
      ...(isOpen ? { open: true } : {}),
    };
  }

  #asked(): Pick<UnitLine, 'at' | 'of' | 'kind' | 'identity' | 'agent'> {
    const { asked, pool, kind, identity, agent } = this;
    return { at: rounded(asked), of: pool, kind, identity, ...(agent === undefined ? {} : { agent }) };
  }
}
