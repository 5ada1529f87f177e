/** An error that the API answers with the body `{"error": message, "status": status}`. */
export class ApiError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Runs a function that reads a request's body; any error becomes a 400. */
export function badBody<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ApiError(`bad request body: ${(error as Error).message}`, 400);
  }
}
