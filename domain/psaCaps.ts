/** What a PSA can do with the quantity of a line, as its connector says: rules and previews follow from it. */

export interface PsaCaps {
  /** Decimals of a quantity that the PSA holds; 0 = whole numbers only. A setting of the connection may say otherwise. */
  decimals: number;
  /** A write is in force at once, or from a day on that it names. */
  takesEffect: 'at_once' | 'dated';
  /** A write says the quantity that the line is to have, or by how much it changes: then sending it twice changes it twice. */
  writes: 'absolute' | 'difference';
  /** What the PSA bills for the days before a change that falls into a period. */
  proration: 'always' | 'perAgreement' | 'perLine' | 'none';
  /** Tickets can be found by a reference in a field of their own; false = it is the last line of the text, and found there. */
  searchesReference: boolean;
  /** Whether a line may be set to 0, or the PSA may refuse that. */
  zero: 'taken' | 'may_be_refused';
  /** How many agreements one reading of lines may name. */
  agreementsPerList: number;
}

/** What becomes of a line that should go to 0: it is set to 0, or it is a to-do for a person, who ends it in the PSA. */
export const zeroChoices = ['set', 'todo'] as const;
export type ZeroChoice = (typeof zeroChoices)[number];

/** Why the PSA, or what it lets Countersign do, keeps a line from being written. */
export const notWritableReasons = ['calculated', 'approval', 'bundle', 'cancelled', 'future', 'permission'] as const;
export type NotWritableReason = (typeof notWritableReasons)[number];

/** Why a line cannot be written, in a sentence for a biller. */
export const notWritableWords: Readonly<Record<NotWritableReason, string>> = {
  calculated:
    'The PSA counts this line itself, so a number written to it would be overwritten. Change how it counts there.',
  approval: "The PSA holds this line's agreement for an approval of its own. Approve it there, then sync.",
  bundle: 'This line is part of a bundle in the PSA, which decides its quantity. Change the bundle there.',
  cancelled: 'This line is cancelled in the PSA.',
  future: 'This line is not in force yet, and the PSA takes no change before it is.',
  permission: 'The PSA does not let Countersign change this line. Grant the right there, then sync.',
};

/** What a dated write means for the bill of the period it falls into; the preview shows it. */
export function describeProration({ proration, takesEffect }: Pick<PsaCaps, 'proration' | 'takesEffect'>): string[] {
  if (takesEffect === 'at_once') return [];
  switch (proration) {
    case 'none':
      return [];
    case 'always':
      return [
        'The PSA prorates a change within a period; what is approved here begins with a period, so nothing is prorated.',
      ];
    case 'perAgreement':
      return [
        'Whether the PSA prorates is set on the agreement; what is approved here begins with a period, so nothing should be.',
      ];
    case 'perLine':
      return [
        'Whether the PSA prorates is set on the line; what is approved here begins with a period, so nothing should be.',
      ];
  }
}
