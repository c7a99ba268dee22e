/**
 * An identity cannot be used, and the server is not at fault: its token expired, or its user has no rights in the
 * database.
 */
export class CredentialsFailure extends Error {
  override readonly name: string = 'CredentialsFailure';
}

/** The program's credentials function failed; the server was not contacted. */
export class CredentialsFunctionFailure extends CredentialsFailure {}
