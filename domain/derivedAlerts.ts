/**
 * Alerts that Countersign derives because Mailprotector has no feed of them. reference/mailprotector.md §9 lists the
 * signals; what is made of them is our choice (docs/alerts.md). Pure.
 */
import type { AlertRules } from './alerts.ts';

export type RuleName = keyof AlertRules;

/** What was read from the vendor. A part that was not read is absent: it raises no alert and clears none. */
export interface Signals {
  /** Domains that are Pending. Dates `YYYY-MM-DD`. */
  pendingDomains?: { id: string; name: string; accountId: string; createdOn: string | null }[];
  /** Directory syncs that are enabled but do not answer. */
  deadSyncs?: { id: string; name: string; accountId: string; domain: string }[];
  /** Statements that are not settled. */
  openStatements?: { id: string; accountId: string; amount: number; currency: string; dueOn: string; status: string }[];
  /** Accounts of which a rule's signals could not be read: that rule clears none of their alerts. `code` is our problem code. */
  unread?: { rule: RuleName; accountId: string; code: string }[];
}

export interface DerivedAlert {
  rule: RuleName;
  /** Made from the rule and the vendor's id of the subject, so that one subject has one alert (see `derivedIdOf`). */
  alertId: string;
  vendorAccountId: string;
  title: string;
  description: string;
  priority: number;
}

export const derivedIdOf = (rule: RuleName, subject: string) => `rule:${rule}:${subject}`;

/**
 * The alerts that hold now, by the rules that are on and whose signals were read.
 *
 * @param today `YYYY-MM-DD`
 */
export function deriveAlerts(signals: Signals, rules: AlertRules, today: string): DerivedAlert[] {
  const { domainPending, directorySync, statementOverdue } = rules;
  return [
    ...((domainPending.on && signals.pendingDomains) || [])
      .filter((domain) => domain.createdOn === null || daysBetween(domain.createdOn, today) >= domainPending.afterDays)
      .map((domain) => ({
        rule: 'domainPending' as const,
        alertId: derivedIdOf('domainPending', domain.id),
        vendorAccountId: domain.accountId,
        title: `Domain ${domain.name} is still Pending`,
        description: `${domain.createdOn === null ? 'It' : `It was added on ${domain.createdOn} and`} has not been verified. Its mail is not filtered while it is Pending. Verify it in Mailprotector, or remove it.`,
        priority: 2,
      })),
    ...((directorySync.on && signals.deadSyncs) || []).map((sync) => ({
      rule: 'directorySync' as const,
      alertId: derivedIdOf('directorySync', sync.id),
      vendorAccountId: sync.accountId,
      title: `Directory sync "${sync.name}" of ${sync.domain} stopped answering`,
      description: `Mailprotector does not reach the directory. Users that are added or leave are not taken over, so counts grow stale. Check the source's address and credentials.`,
      priority: 3,
    })),
    ...((statementOverdue.on && signals.openStatements) || [])
      .filter((statement) => daysBetween(statement.dueOn, today) >= statementOverdue.afterDays)
      .map((statement) => ({
        rule: 'statementOverdue' as const,
        alertId: derivedIdOf('statementOverdue', statement.id),
        vendorAccountId: statement.accountId,
        title: `Statement of ${statement.amount} ${statement.currency} is overdue since ${statement.dueOn}`,
        description: `Mailprotector shows it as "${statement.status}". Settle it, or ask Mailprotector.`,
        priority: 2,
      })),
  ];
}

/** The alert for a customer that had users and has none now. @param before the users over all services, before */
export function usageZeroAlert(accountId: string, before: number): DerivedAlert {
  return {
    rule: 'usageZero',
    alertId: derivedIdOf('usageZero', accountId),
    vendorAccountId: accountId,
    title: 'Usage has fallen to zero',
    description: `It was ${before} over all services, and the last sync found none. Has the customer left, or has somebody removed the services by mistake?`,
    priority: 3,
  };
}

/** Rules whose signals were read; only alerts of these rules may be cleared. */
export function readRules(signals: Signals): RuleName[] {
  return [
    ...(signals.pendingDomains ? ['domainPending' as const] : []),
    ...(signals.deadSyncs ? ['directorySync' as const] : []),
    ...(signals.openStatements ? ['statementOverdue' as const] : []),
  ];
}

function daysBetween(from: string, to: string): number {
  return Math.floor((Date.parse(to) - Date.parse(from)) / 86_400_000);
}
