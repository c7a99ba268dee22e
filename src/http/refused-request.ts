/** A request that cannot be answered as it is. The handler answers with the status and the message. */
export class RefusedRequest extends Error {
  /** An HTTP status from 400 to 499. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'RefusedRequest';
    this.status = status;
  }
}
