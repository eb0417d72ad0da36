/** The smallest and the largest value that is still good. */
export interface Goal {
  min?: number;
  max?: number;
}

/** Prints the figures of a bench: a text for a person, or with --json one line per figure. */
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

  /** @param goal the limits of the figure; absent = it is only reported */
  note(figure: string, value: number, goal?: Goal): void {
    const { min = -Infinity, max = Infinity } = goal ?? {};
    const holds = value >= min && value <= max;
    this.allHold &&= holds;
    const rounded = Math.round(value * 1000) / 1000;
    if (this.json) {
      const limit = goal?.max ?? goal?.min ?? null;
      process.stdout.write(`${JSON.stringify({ bench: this.bench, figure, value: rounded, goal: limit, holds })}\n`);
      return;
    }
    const verdict =
      goal === undefined
        ? ''
        : holds
          ? `holds (goal ${describeGoal(goal)})`
          : `MISSES its goal of ${describeGoal(goal)}`;
    this.say(`  ${figure.padEnd(44)} ${String(rounded).padStart(10)}  ${verdict}`);
  }
}

function describeGoal({ min, max }: Goal): string {
  if (min === max) return `exactly ${max}`;
  return max === undefined ? `≥ ${min}` : `≤ ${max}`;
}
