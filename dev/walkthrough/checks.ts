export interface Check {
  name: string;
  ok: boolean;
  detail: string;
  ms: number;
}

/** Keeps the results of the walkthrough's checks, and prints a line for each when it has run. */
export class Checks {
  readonly results: Check[] = [];
  private readonly say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.say = say;
  }

  /**
   * Runs a check. The check holds when `body` returns a sentence that says what was seen, and fails when `body` throws.
   *
   * @throws the error of `body`, because the checks after a failed one mean nothing
   */
  async run(name: string, body: () => Promise<string>): Promise<void> {
    const began = performance.now();
    try {
      const detail = await body();
      this.note({ name, ok: true, detail, ms: Math.round(performance.now() - began) });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.note({ name, ok: false, detail, ms: Math.round(performance.now() - began) });
      throw error;
    }
  }

  private note(check: Check): void {
    this.results.push(check);
    this.say(`${check.ok ? '✓' : '✗'} ${check.name.padEnd(16)} ${check.detail} (${check.ms} ms)`);
  }
}
