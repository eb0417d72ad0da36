/** What the console answers to a click that cannot be done: a status for programs, and words for whoever clicked. */
export class ConsoleProblem extends Error {
  override readonly name = 'ConsoleProblem';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
