/** Judges a permission report: a missing right blocks, a right that cannot be seen is only reported. */

interface Finding {
  state: 'granted' | 'denied' | 'unknown';
  evidence: string;
}

export interface PermissionFacts {
  auth: 'ok' | 'bad_credentials' | 'bad_host' | 'unreachable';
  capabilities: Record<string, Finding>;
}

/** Rights without which nothing can be reconciled. The right to write is needed only when writing is turned on. */
export const neededForBilling = ['accounts.read', 'products.read', 'agreements.read', 'lines.read'] as const;

/** Rights that billing asks after: `lines.write` is needed once writing is on, `boards.read` once there are alerts. */
export const askedForBilling = [...neededForBilling, 'lines.write', 'boards.read'] as const;

/** Rights without which no alert can become a ticket. */
export const neededForAlerts = [
  'boards.read',
  'boards.details',
  'priorities.read',
  'tickets.read',
  'tickets.create',
  'tickets.edit',
] as const;

export interface PermissionVerdict {
  ok: boolean;
  /** The problem's code, or `ok`. */
  code: 'ok' | 'missing_rights' | 'bad_credentials' | 'bad_host' | 'unreachable';
  missing: { capability: string; evidence: string }[];
  unknown: string[];
}

/** A right that is `unknown` does not block: the first call that needs it shows whether it is there. */
export function judgePermissions(
  report: PermissionFacts,
  needed: readonly string[] = neededForBilling,
): PermissionVerdict {
  const entries = Object.entries(report.capabilities);
  const unknown = entries.filter(([, finding]) => finding.state === 'unknown').map(([capability]) => capability);
  if (report.auth !== 'ok') return { ok: false, code: report.auth, missing: [], unknown };
  const missing = entries
    .filter(([capability, finding]) => needed.includes(capability) && finding.state === 'denied')
    .map(([capability, finding]) => ({ capability, evidence: finding.evidence }));
  return { ok: missing.length === 0, code: missing.length === 0 ? 'ok' : 'missing_rights', missing, unknown };
}
