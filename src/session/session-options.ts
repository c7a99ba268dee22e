import type { AccessRecordAuth, Tokens } from 'surrealdb';
import { asItIs, ClosedOptions } from '../config/closed-options.js';
import type { DatabaseName } from '../config/database-name.js';

/** All options of a sign-in of the SDK. The server decides which may be combined. */
interface SignInOptions {
  readonly namespace?: string;
  readonly database?: string;
  readonly username?: string;
  readonly password?: string;
  readonly access?: string;
  readonly key?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

const place = { namespace: asItIs, database: asItIs };

export const useOptions: ClosedOptions<DatabaseName> = new ClosedOptions<DatabaseName>('What use() was given', place);

export const signInOptions: ClosedOptions<SignInOptions> = new ClosedOptions<SignInOptions>('What signin() was given', {
  ...place,
  username: asItIs,
  password: asItIs,
  access: asItIs,
  key: asItIs,
  variables: asItIs,
});

export const signUpOptions: ClosedOptions<AccessRecordAuth> = new ClosedOptions<AccessRecordAuth>(
  'What signup() was given',
  { ...place, access: asItIs, variables: asItIs },
);

export const tokensOptions: ClosedOptions<Tokens> = new ClosedOptions<Tokens>('What authenticate() was given', {
  access: asItIs,
  refresh: asItIs,
});
