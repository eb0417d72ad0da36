/**
 * Words that mean something of their own in Countersign, each with the sentence that stands beside it. docs/glossary.md explains the
 * same words.
 */
export const terms = {
  held: 'Held: it moved the numbers so far that nothing was changed; a person first says whether it is right.',
  cron: 'A cron expression has five fields: minute, hour, day of the month, month, and day of the week (0 is Sunday). 30 3 * * 1-5 is 03:30 from Monday to Friday.',
  notCounted: 'Not counted yet: no number has come from the vendor so far. That is not the same as zero.',
  notWritable:
    'Not writable: there is no line that Countersign can write as it stands. Below it says why, and what to do about it.',
  needsChoice:
    'Needs a choice: it is not clear yet which line takes the difference, or how several services are counted together.',
  checkFirst: 'Check first: a number moved further than usual. Look whether it is right before you approve it.',
  readAsOf: 'That day is the first one that the next invoice bills, or today.',
  needsCheck:
    'Needs a check (a number moved far, a choice is open, or something could not be read or may not be written)',
} as const;
