import type { UnreadInput } from './types.ts';

/** What the cards of an account say of something that could not be read. */
export function unreadOf(input: {
  what: 'psa_account' | 'agreement' | 'lines' | 'vendor_account';
  id: string;
  name: string | null;
  /** ISO time. */
  since: string;
  why: string;
  onlyWithoutLine?: boolean;
}): UnreadInput {
  const { reason, said } = whats[input.what];
  const named = input.name === null ? input.id : `"${input.name}" (${input.id})`;
  return {
    reason,
    words: `${said} ${named} could not be read since ${input.since.slice(0, 10)}, so the last numbers are kept and none is approved by them: ${input.why}`,
    ...(input.onlyWithoutLine ? { onlyWithoutLine: true } : {}),
  };
}

const whats = {
  psa_account: { reason: 'account_not_read', said: 'The PSA account' },
  agreement: { reason: 'agreement_not_read', said: 'The agreement' },
  lines: { reason: 'lines_not_read', said: 'The lines of the agreement' },
  vendor_account: { reason: 'usage_not_read', said: 'The usage of the customer' },
} as const;
