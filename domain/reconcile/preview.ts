import { billedQuantity, money } from '../quantities.ts';
import type { LineWrite, MoneyChange } from './types.ts';

/** What a write changes on the next invoice: the change of what is billed × price; 0, and said so, for a line that is not billed. */
export function moneyOf({ line, newQuantity }: LineWrite): MoneyChange[] {
  const change =
    billedQuantity(newQuantity, line.includedQuantity) - billedQuantity(line.quantity, line.includedQuantity);
  return [
    { currency: line.currency, amount: line.billed ? money(change * line.unitPrice) : 0, notBilled: !line.billed },
  ];
}

/** What approving means, in sentences a biller understands. */
export function previewOf({ line, newQuantity }: LineWrite): string[] {
  const sentences = [`Sets the quantity on "${line.agreementName}" from ${line.quantity} to ${newQuantity}.`];
  if (line.includedQuantity > 0) sentences.push(`${line.includedQuantity} of it are included and not billed.`);
  if (!line.billed) sentences.push('The line is not billed.');
  sentences.push(
    line.asOfKnown
      ? `First billed on ${line.asOf} for the period that begins then.`
      : 'The agreement has no next invoice date, so it is not known when this is first billed.',
    'Nothing is billed or credited for periods already invoiced.',
  );
  return sentences;
}
