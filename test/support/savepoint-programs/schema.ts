import { oneOf, type Random } from '../seeded-random.js';

/**
 * What the answers of a program may rest on beside its own texts and the data.
 *
 * - `times`: the server writes its clock into records
 * - `random`: the server makes random values, which the text of the call does not show
 */
export type Feature = 'times' | 'random';

/** The tables of a program, and the statements that define their fields, parameters and events. */
export interface Schema {
  readonly text: string;
  /** What servers from 3.1 on refuse to define, and then the program goes on without it. */
  readonly refusable: string;
  readonly features: ReadonlySet<Feature>;
}

/** Parameters that calls bind and fields use: those of builders, those a pool may make up, those with a meaning. */
export const names = [
  ...['user', 'bind__0', 'bind__1', 'r0_user', 'r1_user', 'r0_bind__0', 'r1_bind__0', '_user', 'l'],
  ...['value', 'this', 'parent', 'input', 'before', 'after', 'event', 'request', 'reference'],
] as const;

/** Parameters that are numbers wherever a call binds them. */
export const numberNames = ['rate', 'limit', 'factor'] as const;

/** The names that the schema and the calls of one program share, so that they meet. */
export interface Hot {
  readonly names: readonly [string, ...string[]];
  readonly numbers: readonly [string, ...string[]];
}

export function someHot(random: Random): Hot {
  return {
    names: [oneOf(random, names), oneOf(random, names), 'user'],
    numbers: [oneOf(random, numberNames), oneOf(random, numberNames)],
  };
}

export function someName(random: Random, hot: Hot): string {
  return random() < 0.85 ? oneOf(random, hot.names) : oneOf<string>(random, names);
}

/** The tables whose records are compared at the end. `watched` is left out: to read it may write. */
export const tables = [
  ...['item', 'doc', 'acc', 'shop', 'audit', 'log', 'note', 'likes', 'copy', 'elsewhere'],
] as const;

export type Table = (typeof tables)[number] | 'watched';

/** What a write into a table also writes: by events, and a record that is deleted takes its edges with it. */
export const follows: Readonly<Partial<Record<Table, readonly Table[]>>> = { item: ['audit', 'likes'], doc: ['audit'] };
/** What a read of a table also reads, by computed fields. */
export const rests: Readonly<Partial<Record<Table, readonly Table[]>>> = { shop: ['acc', 'item'] };

/** Makes the name of a parameter, with its `$`. */
interface Naming {
  any(): string;
  number(): string;
}

interface Part {
  readonly feature?: Feature;
  readonly text: (naming: Naming) => string;
}

const parts: readonly Part[] = [
  { text: ({ any }) => `DEFINE FIELD by ON item DEFAULT ${any()} ?? 'system'` },
  { text: () => "DEFINE FIELD made_by ON item DEFAULT $user ?? 'system'" },
  { text: ({ any }) => `DEFINE FIELD tag ON item VALUE [${any()}, ${any()}]` },
  { text: ({ number }) => `DEFINE FIELD price ON item VALUE ($value ?? 0) * (${number()} ?? 2)` },
  { text: () => 'DEFINE PARAM $rate VALUE 3; DEFINE FIELD cost ON item VALUE 2 * $rate' },
  { text: ({ number }) => `DEFINE FIELD amount ON item ASSERT ($value ?? 0) < (${number()} ?? 1000)` },
  { text: ({ any }) => `DEFINE FIELD by ON note DEFAULT ${any()}` },
  { text: ({ any }) => `DEFINE FIELD by ON likes VALUE ${any()} ?? 'none'` },
  { text: () => 'DEFINE FIELD sum ON shop COMPUTED math::sum((SELECT VALUE n FROM acc))' },
  {
    text: ({ any }) => `DEFINE FIELD seen_by ON shop COMPUTED { RETURN [${any()}, count(SELECT 1 FROM item)] }`,
  },
  { text: ({ any }) => event('item', `by = ${any()} ?? 'nobody', who = ${any()}`) },
  { text: ({ any, number }) => event('doc', `by = ${any()} ?? 'nobody', rate = ${number()}`) },
  {
    feature: 'times',
    text: () => 'DEFINE FIELD created_at ON doc DEFAULT time::now(); DEFINE FIELD updated_at ON doc VALUE time::now()',
  },
  { feature: 'times', text: () => 'DEFINE FIELD at ON note DEFAULT time::now()' },
  { feature: 'times', text: () => event('doc', 'at = time::now(), of_doc = $after.updated_at') },
  { feature: 'random', text: () => 'DEFINE FIELD token ON item DEFAULT rand::uuid()' },
  { feature: 'random', text: () => "DEFINE FIELD secret ON item DEFAULT 'rnd_' + rand::string(12)" },
  { feature: 'random', text: () => "DEFINE FIELD etag ON doc VALUE 'rnd_' + rand::string(12)" },
  {
    feature: 'random',
    text: ({ any }) =>
      `DEFINE EVENT event_number ON item WHEN true THEN {
        CREATE audit CONTENT { of: $after.label, by: ${any()} ?? 'nobody', nr: count(SELECT 1 FROM audit) }
      }`,
  },
];

/** A text that defines nothing. */
export const nothing = 'RETURN NONE';

const readThatWrites = 'DEFINE FIELD hit ON watched COMPUTED { UPSERT log:hits SET n = (n ?? 0) + 1; RETURN 1; }';

/** An event that writes an audit record with an id that follows from what happened. */
function event(table: string, sets: string): string {
  return `DEFINE EVENT event_number ON ${table} WHEN true THEN {
    UPSERT type::record('audit', ['${table}', $event, ($after ?? $before).label]) SET times = (times ?? 0) + 1, ${sets}
  }`;
}

/**
 * A schema of some of the parts, without those that would give it a feature that is not among the allowed.
 * @param hot the names it uses mostly, which are those that the calls of the program bind mostly
 */
export function someSchema(random: Random, allowed: ReadonlySet<Feature>, hot: Hot): Schema {
  const naming = { any: () => `$${someName(random, hot)}`, number: () => `$${oneOf(random, hot.numbers)}` };
  const features = new Set<Feature>();
  const texts: string[] = [];
  const fields = new Set<string>();
  for (const part of parts) {
    if (part.feature !== undefined && !allowed.has(part.feature)) continue;
    if (random() > 0.45) continue;
    const text = part.text(naming);
    const [field] = /DEFINE FIELD \w+ ON \w+/.exec(text) ?? [];
    if (field !== undefined && fields.has(field)) continue;
    if (field !== undefined) fields.add(field);
    texts.push(text.replace('event_number', `event_${texts.length}`));
    if (part.feature !== undefined) features.add(part.feature);
  }
  const refusable = random() < 0.3 ? readThatWrites : nothing;
  return { text: texts.join(';\n'), refusable, features };
}

/** Makes the database what it is before every program. */
export const emptied: string = [
  'REMOVE PARAM IF EXISTS $rate',
  ...[...tables, 'watched'].map((table) => `REMOVE TABLE IF EXISTS ${table}; DEFINE TABLE ${table}`),
].join(';\n');

/** What is stored before every program. */
export const beginning = `
  FOR $n IN 0..4 { UPSERT type::record('acc', $n) SET n = 100, label = $n; };
  FOR $n IN 0..3 { UPSERT type::record('item', $n) SET label = $n, price = 1; };
  FOR $n IN 0..3 { UPSERT type::record('doc', $n) SET label = $n, body = 'first'; };
  UPSERT shop:0 SET name = 'corner'; UPSERT watched:0 SET name = 'seen'; UPSERT elsewhere:0 SET n = 0;
  UPSERT log:hits SET n = 0;`;
