import { roundHalfUp, tidy } from '../quantities.ts';
import type { CardFlag, CardLine, LineMode, LineWrite } from './types.ts';

/**
 * Chooses the line that takes the difference, and says whether it may be written.
 *
 * @param input.pick the line a person picked; ignored once it is no longer active
 * @param input.mode the rule's line mode; without a rule a monthly agreement follows usage, any other is report only
 */
export function chooseLine(input: {
  lines: readonly CardLine[];
  target: number;
  current: number;
  quantityDecimals: number;
  pick: string | null;
  mode: LineMode | null;
}): { write?: LineWrite; flag?: CardFlag } {
  const line =
    input.lines.length === 1 ? input.lines[0] : input.lines.find((candidate) => candidate.lineId === input.pick);
  if (!line) {
    return {
      flag: {
        code: 'needs_choice',
        reason: 'several_lines',
        words: 'Several lines bill this product. Pick the one that takes the difference.',
      },
    };
  }
  const newQuantity = tidy(roundHalfUp(line.quantity, input.quantityDecimals) + input.target - input.current);
  if (newQuantity < 0) {
    return {
      flag: {
        code: 'needs_choice',
        reason: 'below_zero',
        words: `The line would fall below 0 (to ${newQuantity}). Pick another line, or change the lines in the PSA.`,
      },
    };
  }
  const write = { line, newQuantity };
  const mode = input.mode ?? (line.monthly ? 'follow' : 'report_only');
  if (mode === 'report_only') {
    const words = input.mode
      ? 'A rule says: report only.'
      : 'This agreement is not billed monthly, so its lines are reported only. To have them written, adjust the card by a rule that lets the line follow usage.';
    return { write, flag: { code: 'not_writable', reason: 'report_only', words } };
  }
  if (mode === 'never_lower' && input.target < input.current) {
    return {
      write,
      flag: { code: 'not_writable', reason: 'never_lower', words: 'A rule says: never lower this quantity.' },
    };
  }
  return { write };
}
