/** The function that is to say who signs in did not say it: the server was never asked, and is not to blame. */
export class CredentialsFailure extends Error {
  override readonly name: string = 'CredentialsFailure';
}
