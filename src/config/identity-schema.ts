import * as v from 'valibot';
import { type Closed, closed } from './closed-object.js';
import type {
  BearerCredentials,
  Credentials,
  CredentialsProvider,
  IdentityOptions,
  PasswordCredentials,
  RecordCredentials,
  RefreshCredentials,
  TokenCredentials,
} from './identity-options.js';
import { paths } from './option-paths.js';
import { describe, Refusal, readRecord } from './refusal.js';
import type { Same } from './same-type.js';
import { text, value } from './values.js';

const credentialsInWords =
  '{ username, password }, { access, variables }, { access, key }, { token } or { access, refresh }';

function readToken(given: unknown): TokenCredentials['token'] | Refusal {
  if (typeof given === 'string' && given !== '') return given;
  const { access, refresh } = Object(given) as Record<string, unknown>;
  const isText = (part: unknown): part is string => typeof part === 'string' && part !== '';
  if (isText(access) && refresh === undefined) return { access };
  if (isText(access) && isText(refresh)) return { access, refresh };
  return new Refusal('a text that is not empty, or { access, refresh }', describe(given));
}

const levelEntries = { namespace: v.optional(text()), database: v.optional(text()) };
const passwordEntries = { username: text(), password: text(), ...levelEntries };
const recordEntries = {
  access: text(),
  variables: value<Readonly<Record<string, unknown>>>((given) => readRecord(given, 'an object of variables')),
  ...levelEntries,
};
const bearerEntries = { access: text(), key: text(), ...levelEntries };
const tokenEntries = { token: value<TokenCredentials['token']>(readToken) };
const refreshEntries = { access: text(), refresh: text() };

function databaseNeedsNamespace<Output extends { namespace?: string | undefined; database?: string | undefined }>() {
  return v.rawCheck<Output>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.database === undefined || dataset.value.namespace !== undefined) return;
    addIssue({
      expected: 'the namespace of the database',
      received: 'a database without it',
      path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key: 'namespace', value: undefined }],
    });
  });
}

const passwordSchema: v.GenericSchema<PasswordCredentials> = v.pipe(
  closed(passwordEntries, credentialsInWords),
  databaseNeedsNamespace(),
);
const recordSchema: v.GenericSchema<RecordCredentials> = v.pipe(
  closed(recordEntries, credentialsInWords),
  databaseNeedsNamespace(),
);
const bearerSchema: v.GenericSchema<BearerCredentials> = v.pipe(
  closed(bearerEntries, credentialsInWords),
  databaseNeedsNamespace(),
);
const tokenSchema: v.GenericSchema<TokenCredentials> = closed(tokenEntries, credentialsInWords);
const refreshSchema: v.GenericSchema<RefreshCredentials> = closed(refreshEntries, credentialsInWords);

const mixedSchema: v.GenericSchema<Credentials> = value<Credentials>(
  () => new Refusal(`one of ${credentialsInWords}`, 'several kinds of credentials at once'),
);

const credentialKinds: readonly { names: readonly string[]; schema: v.GenericSchema<Credentials> }[] = [
  { names: ['username', 'password'], schema: passwordSchema },
  { names: ['variables'], schema: recordSchema },
  { names: ['key'], schema: bearerSchema },
  { names: ['token'], schema: tokenSchema },
  { names: ['refresh'], schema: refreshSchema },
];

/** Credentials as such, also those that a provider returned. */
export const credentialsSchema: v.GenericSchema<Credentials> = v.lazy((given): v.GenericSchema<Credentials> => {
  const record = readRecord(given);
  const kinds = credentialKinds.filter(({ names }) => names.some((name) => Object.hasOwn(record, name)));
  const hasAccess = Object.hasOwn(record, 'access');
  const kind = kinds[0]?.schema ?? (hasAccess ? recordSchema : passwordSchema);
  const isMixed = kinds.length > 1 || (hasAccess && (kind === passwordSchema || kind === tokenSchema));
  return isMixed ? mixedSchema : kind;
});

const providerSchema: v.GenericSchema<CredentialsProvider> = v.custom<CredentialsProvider>(() => true);

export const credentialsSourceSchema: v.GenericSchema<Credentials | CredentialsProvider> = v.lazy(
  (given): v.GenericSchema<Credentials | CredentialsProvider> =>
    typeof given === 'function' ? providerSchema : credentialsSchema,
);

// The identity of one lease.

/** One that is there without a value is a tenant that was not found, and must not become nobody's. */
function readVariables(given: unknown): Readonly<Record<string, unknown>> | Refusal {
  const variables = readRecord(given, 'an object of variables');
  if (variables instanceof Refusal) return variables;
  const empty = Object.keys(given as object).find((name) => !Object.hasOwn(variables, name));
  return empty === undefined
    ? variables
    : new Refusal('a value for each variable, or to leave it out', `nothing for "${empty}"`);
}

/** What an acquire may say of it. */
export const identitySchema: v.GenericSchema<IdentityOptions> = v.pipe(
  closed({
    namespace: v.exactOptional(text()),
    database: v.exactOptional(text()),
    credentials: v.exactOptional(v.nullable(credentialsSourceSchema)),
    credentialsKey: v.exactOptional(text()),
    variables: v.exactOptional(value<Readonly<Record<string, unknown>>>((given) => readVariables(given))),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { namespace, database } = dataset.value;
    if ((namespace === undefined) === (database === undefined)) return;
    const key = namespace === undefined ? 'namespace' : 'database';
    addIssue({
      expected: 'both a namespace and a database, or neither',
      received: 'one without the other',
      path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key, value: undefined }],
    });
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { credentials, credentialsKey: value } = dataset.value;
    if (value === undefined || typeof credentials === 'function') return;
    addIssue({
      expected: 'a key only beside a function as credentials: others are the same identity when they are equal',
      received: 'a key without a function',
      path: [{ type: 'object', origin: 'value', input: { ...dataset.value }, key: 'credentialsKey', value }],
    });
  }),
);

/** The path of every part of credentials, in the long form. */
export const credentialsPaths: readonly string[] = [
  ...new Set(
    [passwordEntries, recordEntries, bearerEntries, tokenEntries, refreshEntries].flatMap((entries) =>
      paths('credentials', entries),
    ),
  ),
];

// The hand-written types and the schema say the same; a difference does not compile.

true satisfies Same<v.InferInput<Closed<typeof passwordEntries>>, PasswordCredentials>;
true satisfies Same<v.InferInput<Closed<typeof recordEntries>>, RecordCredentials>;
true satisfies Same<v.InferInput<Closed<typeof bearerEntries>>, BearerCredentials>;
true satisfies Same<v.InferInput<Closed<typeof tokenEntries>>, TokenCredentials>;
true satisfies Same<v.InferInput<Closed<typeof refreshEntries>>, RefreshCredentials>;
