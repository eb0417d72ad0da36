/** What keeps a write from being made, or from being approved with others, because of what the PSA can do. */
import { notWritableWords, type PsaCaps, type ZeroChoice } from '../psaCaps.ts';
import type { CardFlag, LineWrite } from './types.ts';

/**
 * @param of.caps absent = not known: then only what the line itself says counts
 * @param of.zero with `todo` nothing of a line that goes to 0 is written, so that nothing can be refused
 */
export function writeDoubts(
  { line, newQuantity }: LineWrite,
  { caps, zero }: { caps?: PsaCaps; zero?: ZeroChoice },
): CardFlag[] {
  const doubts: CardFlag[] = [];
  const stop = (reason: string, words: string) => doubts.push({ code: 'not_writable', reason, words });
  if (line.notWritable) stop(line.notWritable, notWritableWords[line.notWritable]);
  if (!caps) return doubts;
  if (caps.decimals === 0 && !Number.isInteger(newQuantity)) {
    stop(
      'needs_whole_number',
      `It needs a whole number: the PSA cannot hold ${newQuantity}. Choose on the mapping of the service how it is rounded, or change the rule of this card.`,
    );
  }
  if (caps.takesEffect === 'dated' && (!line.asOfKnown || line.readOn !== line.asOf)) {
    const why = line.asOfKnown ? `its next invoice date ${line.asOf} has passed` : 'it has no next invoice date';
    stop(
      'no_effective_date',
      `The PSA takes a change from a day on, and there is none for "${line.agreementName}": ${why}. Put that right in the PSA, then sync.`,
    );
  }
  if (caps.zero === 'may_be_refused' && newQuantity === 0 && zero !== 'todo') {
    doubts.push({
      code: 'check_first',
      reason: 'zero',
      words:
        'The PSA may refuse a line of 0. Approve the card to set it to 0, and the refusal is told if there is one; or end the line in the PSA, then sync.',
    });
  }
  return doubts;
}
