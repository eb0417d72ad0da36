/** A program was not given what it needs. The message says what to give, and is all that the program then says. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
