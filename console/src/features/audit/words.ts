/** What the audit names, in words. */
import { formatCount } from '../../ui/format.ts';
import type { Choice } from '../../ui/Select.tsx';

/** Who: what stands before the colon of an actor. */
export const actorChoices = [
  { id: 'anybody', name: 'Anybody' },
  { id: 'person', name: 'People' },
  { id: 'token', name: 'Tokens' },
  { id: 'vendor', name: 'Vendors' },
  { id: 'countersign', name: 'Countersign itself' },
] as const satisfies readonly Choice[];

/** What: what stands before the dot of an action. */
const kinds: Record<string, string> = {
  approval: 'Approvals',
  card: 'Cards',
  account: 'Account mapping',
  service: 'Service mapping',
  product: 'Products fed by several services',
  accounts: 'Customers that the vendor sent',
  services: 'Services that the vendor sent',
  customer: 'New customers',
  reminders: 'Reminders of new customers',
  customers: 'Linked customers',
  sync: 'Runs',
  incomplete: 'Incomplete lists accepted',
  alert: 'Alerts',
  alerts: 'Alert settings',
  migration: 'Migration to alerts',
  integration: 'Integrations',
  schedule: 'Schedules',
  pause: 'Pauses',
  step: 'Steps',
  retry: 'Steps tried again',
  vendor: 'Reads of the vendor',
  psaConnection: 'PSA connections',
  psa: 'Reads of the PSA',
  psaRefresh: 'Held reads of the PSA',
  permissions: 'Rights in the PSA',
  credentials: 'Stored credentials',
  organization: 'Organization',
  member: 'Members',
  invitation: 'Invitations',
  person: 'Signing in',
  token: 'Tokens',
};

export const kindChoices: readonly Choice[] = [
  { id: 'anything', name: 'Anything' },
  ...Object.entries(kinds).map(([id, name]) => ({ id, name })),
];

/** What stands after the dot, where it is no word of its own. */
const whats: Record<string, string> = { put: 'set', onboarded: 'taken on board', dead: 'given up' };

/** "person.signOutEverywhere" → "Signing in: sign out everywhere". */
export function wordsOfAction(action: string): string {
  const [kind = '', what = ''] = action.split('.');
  return `${kinds[kind] ?? apart(kind)}: ${whats[what] ?? apart(what)}`;
}

/** "agreement_line" → "agreement line". */
export const apart = (name: string) =>
  name
    .replaceAll('_', ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();

/** What changed, in a line: only what is other than before, and no ids; the whole of it is shown when a row is opened. */
export function wordsOfChange(before: unknown, after: unknown): string {
  if (!isRecord(before) || !isRecord(after))
    return [before, after]
      .filter((each) => each != null)
      .map(text)
      .join(' → ');
  return Object.keys(after)
    .filter((name) => !isId(after[name]) && text(before[name]) !== text(after[name]))
    .map((name) => `${apart(name)}: ${text(before[name])} → ${text(after[name])}`)
    .join(' · ');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One of Countersign's own ids, or something that is made of one. */
const isId = (value: unknown) => typeof value === 'string' && /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/.test(value);

function text(value: unknown): string {
  if (value === undefined || value === null) return '—';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (isRecord(value))
    return Object.entries(value)
      .filter(([, each]) => !isId(each))
      .map(([name, each]) => `${apart(name)} ${text(each)}`)
      .join(', ');
  if (!Array.isArray(value)) return String(value);
  if (value.length === 0) return 'none';
  return value.some((each) => isRecord(each) || isId(each)) ? formatCount(value.length) : value.map(text).join(', ');
}
