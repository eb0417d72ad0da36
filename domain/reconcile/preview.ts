import { billedQuantity, money } from '../quantities.ts';
import { describeProration, type PsaCaps, type ZeroChoice } from '../psaCaps.ts';
import type { CardLine, LineWrite, MoneyChange } from './types.ts';

/** What a write changes on the next invoice: the change of the billed quantity × price; 0 for a line that is not billed, with `notBilled` set. */
export function moneyOf({ line, newQuantity }: LineWrite): MoneyChange[] {
  const change =
    billedQuantity(newQuantity, line.includedQuantity) - billedQuantity(line.quantity, line.includedQuantity);
  return [
    { currency: line.currency, amount: line.billed ? money(change * line.unitPrice) : 0, notBilled: !line.billed },
  ];
}

/** What approving means, in sentences a biller understands. */
export function previewOf(
  { line, newQuantity }: LineWrite,
  { caps, zero }: { caps?: PsaCaps; zero?: ZeroChoice },
): string[] {
  if (newQuantity === 0 && zero === 'todo')
    return [
      `Makes a to-do: end the line of ${line.quantity} on "${line.agreementName}" in the PSA, or set it to 0 there. Countersign does not write it, as the settings of the PSA connection say; the next reading verifies it.`,
    ];
  const sentences = [`Sets the quantity on "${line.agreementName}" from ${line.quantity} to ${newQuantity}.`];
  if (line.includedQuantity > 0) sentences.push(`${line.includedQuantity} of it are included and not billed.`);
  if (!line.billed) sentences.push('The line is not billed.');
  for (const before of line.succeeds)
    sentences.push(
      `It follows the line of ${before.quantity} that ends on ${before.effectiveTo}, which stays as it is.`,
    );
  if (line.effectiveTo !== null) sentences.push(`This line ends on ${line.effectiveTo}.`);
  sentences.push(describeFirstBilled(line), ...(caps ? describeProration(caps) : []));
  sentences.push('Nothing is billed or credited for periods already invoiced.');
  return sentences;
}

function describeFirstBilled({ asOf, asOfKnown, readOn, effectiveFrom }: CardLine): string {
  if (!asOfKnown) return 'The agreement has no next invoice date, so it is not known when this is first billed.';
  if (readOn !== asOf)
    return `The agreement's next invoice date ${asOf} has passed, so it is not known when this is first billed.`;
  return effectiveFrom !== null && effectiveFrom > asOf
    ? `First billed on ${asOf}, for the days from ${effectiveFrom} on.`
    : `First billed on ${asOf} for the period that begins then.`;
}
