/** An identity cannot be had, and the server is not to blame: its token ended, its user has no rights at that place. */
export class CredentialsFailure extends Error {
  override readonly name: string = 'CredentialsFailure';
}

/** The function that gives the credentials failed: it is the program's own, and the server was not asked. */
export class CredentialsFunctionFailure extends CredentialsFailure {}
