/** An answer other than success: its status, and a message that the caller may read whatever the status. */
export class HttpError extends Error {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | number>>;

  constructor(statusCode: number, message: string, headers: Readonly<Record<string, string | number>> = {}) {
    super(message);
    this.statusCode = statusCode;
    this.headers = headers;
  }
}
