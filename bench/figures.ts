/** What a bench prints: words for a person, or with --json one line per figure. */
export class Figures {
  allHold = true;
  private readonly bench: string;
  private readonly json: boolean;

  constructor(bench: string, json: boolean) {
    this.bench = bench;
    this.json = json;
  }

  say(line: string): void {
    if (!this.json) process.stdout.write(`${line}\n`);
  }

  /**
   * @param goal the largest value that is still good; absent = only reported
   */
  note(figure: string, value: number, goal?: number): void {
    const holds = goal === undefined || value <= goal;
    this.allHold &&= holds;
    const rounded = Math.round(value * 1000) / 1000;
    if (this.json) {
      process.stdout.write(
        `${JSON.stringify({ bench: this.bench, figure, value: rounded, goal: goal ?? null, holds })}\n`,
      );
      return;
    }
    const verdict = goal === undefined ? '' : holds ? `holds (goal ≤ ${goal})` : `MISSES its goal of ≤ ${goal}`;
    this.say(`  ${figure.padEnd(44)} ${String(rounded).padStart(10)}  ${verdict}`);
  }
}
