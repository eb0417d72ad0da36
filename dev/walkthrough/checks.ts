export interface Check {
  name: string;
  ok: boolean;
  detail: string;
  ms: number;
}

/** What the walkthrough verified, with a line for each as it happens. */
export class Checks {
  readonly results: Check[] = [];
  private readonly say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.say = say;
  }

  /**
   * Runs a check; it holds when `body` returns what was seen, in words, and fails when it throws.
   *
   * @throws what `body` threw: the steps after a failed one cannot be judged
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
