/**
 * Words that mean something of their own in Countersign, each with the sentence that stands beside it. docs/glossary.md has the
 * same sentences, and a test compares them.
 */
export const terms = {
  held: 'Held: it moved the numbers so far that nothing was changed; a person first says whether it is right.',
  parkedAlert:
    'Waits for mapping: the alert is kept until its customer is mapped, or until a place for tickets is chosen.',
  cron: 'A cron expression has five fields: minute, hour, day of the month, month, and day of the week (0 is Sunday). 30 3 * * 1-5 is 03:30 from Monday to Friday.',
  notCounted: 'Not counted yet: no number has come from the vendor so far. That is not the same as zero.',
} as const;
