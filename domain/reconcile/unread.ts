import type { UnreadInput } from './types.ts';

/** The note on an account's cards about a part that could not be read. */
export function unreadOf(input: {
  what: 'psa_account' | 'agreement' | 'lines' | 'vendor_account';
  id: string;
  name: string | null;
  /** ISO time. */
  since: string;
  why: string;
  onlyWithoutLine?: boolean;
}): UnreadInput {
  const { reason, subject } = subjects[input.what];
  const named = input.name === null ? input.id : `"${input.name}" (${input.id})`;
  return {
    reason,
    words: `${subject} ${named} could not be read since ${input.since.slice(0, 10)}, so the last numbers are kept and none is approved by them: ${input.why}`,
    ...(input.onlyWithoutLine ? { onlyWithoutLine: true } : {}),
  };
}

const subjects = {
  psa_account: { reason: 'account_not_read', subject: 'The PSA account' },
  agreement: { reason: 'agreement_not_read', subject: 'The agreement' },
  lines: { reason: 'lines_not_read', subject: 'The lines of the agreement' },
  vendor_account: { reason: 'usage_not_read', subject: 'The usage of the customer' },
} as const;
