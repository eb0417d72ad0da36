/**
 * The error with which the console answers a click that cannot be carried out: a status for programs, and words for the person
 * who clicked.
 */
export class ConsoleProblem extends Error {
  override readonly name = 'ConsoleProblem';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
