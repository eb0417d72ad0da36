/** Why a card was left out of an approval or of a bulk preview, as a code and as a sentence. */

/** The write that a card offers: as it was shown to the person, or as it is now. */
export interface Write {
  lineId: string;
  from: number;
  to: number;
  /** YYYY-MM-DD, the start of the period the next invoice bills; null when that is not known. */
  effectiveDate: string | null;
}

/** Why a card was left out of an approval. */
export const skipReasons = [
  'gone',
  'under_way',
  'dismissed',
  'not_approvable',
  'differs',
  'twice',
  'billed',
  'date_passed',
  'written_since',
] as const;
export type SkipReason = (typeof skipReasons)[number];

/** A card that the person asked to approve and that was left out. */
export interface Skipped {
  reason: SkipReason;
  /** The card's own reason, if it has one. */
  words: string | null;
  asked: Write;
  /** The card now; null when it is gone. Without a line it offers no write: `from` is then what is billed, `to` what should be. */
  now: { lineId: string | null; from: number | null; to: number | null; effectiveDate: string | null } | null;
}

/** Why a card was left out of an approval, for a person. */
export function describeSkipped({ reason, words, asked, now }: Skipped): string {
  switch (reason) {
    case 'gone':
      return 'It is not there any more.';
    case 'under_way':
      return 'A write for this card is under way already.';
    case 'dismissed':
      return 'The card was dismissed.';
    case 'twice':
      return 'Another card of this approval writes the same line.';
    case 'billed':
      return 'The next invoice date has moved since, so this was billed already.';
    case 'date_passed':
      return datePassed;
    case 'written_since':
      return writtenSince;
    case 'differs':
      return `It was shown as ${describeWrite(asked, now)}, and is ${describeWrite(now, asked)} now. Look at the card again.`;
    case 'not_approvable':
      if (words !== null) return words;
      return now?.from === asked.to
        ? `${asked.to} is billed already: there is nothing to change any more.`
        : 'There is nothing to change any more.';
  }
}

/**
 * Why a line is left alone by an undo, for a person.
 *
 * @param line what the approval wrote (`from`) over what (`to`), and what the line holds `now`; absent = of several lines
 */
export function describeLeftAlone(reason: SkipReason, line?: { from: number; to: number; now: number | null }): string {
  switch (reason) {
    case 'gone':
      return 'The line is not in the PSA any more.';
    case 'under_way':
      return 'A write of this line is under way.';
    case 'billed':
      return 'The next invoice date has moved since, so it was billed already.';
    case 'differs':
      if (line === undefined || line.now === null) return 'The line holds another quantity now than was written.';
      return line.now === line.to
        ? `The line holds ${line.to} again: it was set back already.`
        : `The line holds ${line.now} now, and not the ${line.from} that was written.`;
    case 'written_since':
      return writtenSince;
    default:
      return 'It cannot be undone.';
  }
}

function describeWrite(write: Skipped['now'], other: Skipped['now']): string {
  if (!write || write.lineId === null) return 'no change';
  const { lineId, from, to, effectiveDate } = write;
  const date = effectiveDate === other?.effectiveDate ? '' : `, first billed on ${effectiveDate ?? 'a day not known'}`;
  return `line ${lineId} from ${from} to ${to}${date}`;
}

const writtenSince = 'A later approval has brought the line to this number: undo that one.';

const datePassed =
  'The next invoice date of its agreement has passed since the PSA was read. Sync, then look at the card again.';

/** Why a bulk preview leaves a card out, by reason: the code of the card's first flag, or one of the first three here. */
const leftOutReasons: Readonly<Record<string, string>> = {
  under_way: 'A write is under way already.',
  dismissed: 'A person dismissed the card.',
  date_passed: datePassed,
  check_first: 'Somebody has to look first: the number moved further than usual.',
  no_longer_reported: 'The vendor does not report the number any more.',
  needs_choice: 'A person has to pick the line that takes the difference.',
  needs_rule: 'A person has to say how several services combine.',
  not_writable: 'There is no line that Countersign can write as the card needs it.',
  incomplete: 'A part of the number was never reported.',
};

export function describeLeftOutCards(reason: string): string {
  return leftOutReasons[reason] ?? 'The card says why.';
}

/** Milliseconds for which a preview is kept. */
export const previewLifeMs = 24 * 3_600_000;
