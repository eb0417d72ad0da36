/** What the audit names, in words. Every action of the code is gone through by test/dev/auditWords.test.ts. */
import { formatCount, formatDuration, formatTime } from '../../ui/format.ts';

/** What: what stands before the dot of an action. */
export const kinds: Record<string, string> = {
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
  step: 'Steps done',
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

/** What was done: what stands after the dot of an action. */
const deeds: Record<string, string> = {
  abandon: 'given up',
  accept: 'accepted',
  already: 'the PSA had the number already',
  applied: 'written',
  board: 'board chosen',
  change: 'changed',
  check: 'asked for',
  close: 'finished',
  combine: 'chosen how the counts are combined',
  conflict: 'not written, the PSA had another number',
  create: 'made',
  credentials: 'credentials given',
  dead: 'given up',
  derived: 'made from what was read',
  discard: 'discarded',
  disconnect: 'disconnected',
  dismiss: 'dismissed',
  dismissed: 'dismissed',
  end: 'ended',
  escalated: 'waits too long',
  exclude: 'excluded',
  found: 'found',
  include: 'included again',
  intake: 'how counts arrive changed',
  join: 'joined',
  key: 'key made',
  keyRevoked: 'key revoked',
  line: 'line picked',
  link: 'linked',
  listed: 'customers listed',
  map: 'mapped',
  notDerived: 'could not be made from what was read',
  noteAdded: 'note added to the ticket',
  onboarded: 'taken on board',
  parked: 'waits for its mapping',
  password: 'password set',
  preview: 'previewed',
  profile: 'what the vendor says of itself changed',
  pushStatus: 'status set by the vendor',
  put: 'set',
  reconnect: 'connected again',
  reencrypt: 'encrypted anew',
  refreshed: 'done',
  rejected: 'refused by the PSA',
  release: 'released',
  remove: 'removed',
  removed: 'no longer there',
  renamed: 'renamed',
  replace: 'to-dos replaced by a newer approval',
  request: 'asked for',
  retry: 'another try asked for',
  returned: 'there again',
  review: 'reviewed, no change',
  revoke: 'revoked',
  role: 'role changed',
  rule: 'rule set or removed',
  settings: 'settings changed',
  signIn: 'signed in',
  signOut: 'signed out',
  signOutEverywhere: 'signed out everywhere',
  stop: 'stopped, because writing was turned off',
  test: 'test alert sent',
  ticketCreated: 'ticket made',
  ticketFound: 'ticket found again',
  todo: 'left as a to-do',
  undismiss: 'dismissal ended',
  undo: 'undone',
  unmap: 'mapping removed',
  verified: 'checked',
  withdraw: 'withdrawn',
  writes: 'writing turned on or off',
};

/** Where the same deed is another one: of a person, a link is a way to sign in; of an account, a person linked it. */
const deedsOf: Record<string, string> = {
  'approval.create': 'approved',
  'approval.verified': 'to-do found done in the PSA',
  'person.link': 'sign-in link made',
  'psaConnection.check': 'rights asked for',
  'sync.applied': 'applied',
};

/** "person.signOutEverywhere" → "Signing in: signed out everywhere"; a step is called by its name. */
export function wordsOfAction(action: string): string {
  const [kind = '', what = ''] = action.split('.');
  return `${kinds[kind] ?? apart(kind)}: ${deedsOf[action] ?? deeds[what] ?? apart(what)}`;
}

/** "agreement_line" → "agreement line". */
export const apart = (name: string) =>
  name
    .replaceAll('_', ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();

/** How a value is called, where its own name does not say it. */
const labels: Record<string, string> = {
  agreement_line: 'agreement lines',
  agreement: 'agreements',
  by: 'by',
  code: 'why',
  current: 'billed then',
  escalateAfterMinutes: 'a problem after',
  everyMinutes: 'reminder every',
  detail: 'what happened',
  fanOut: 'several products',
  figures: 'read',
  goneAccounts: 'customers gone',
  guard: 'rows',
  lateAccounts: 'customers that came late',
  accounts: 'customers',
  jitterMinutes: 'spread over minutes',
  choice: 'when',
  leftOut: 'left out',
  lifeDays: 'days',
  lineId: 'line',
  linked: 'customers linked',
  lostPercent: 'percent that may be lost',
  lostRows: 'rows that may be lost',
  overlapMs: 'the old key works for another',
  posted: 'counts sent',
  counts: 'counts in',
  changedCounts: 'counts changed',
  productIds: 'products',
  psaAccountId: 'PSA account',
  psa_account: 'PSA accounts',
  psa_board: 'boards',
  psa_product: 'products',
  superseded: 'held runs made needless',
  target: 'to bill then',
  todo: 'to-dos',
  unread: 'rows that could not be read',
  vendorId: 'vendor',
  with: 'with',
  writesEnabled: 'writing',
  zero: 'lines that should go to 0',
};

/** What the values of a field mean. */
const meanings: Record<string, Record<string, string>> = {
  by: { sync: 'a sync', vendor: 'the vendor', person: 'a person', file: 'a file' },
  combine: { add: 'added up', highest: 'the highest', distinct: 'distinct users' },
  fanOut: { parts: 'each gets the count', alternatives: 'the one that the customer has' },
  how: { exact: 'by its exact name', person: 'by a person', vendor: 'chosen at the vendor' },
  intake: { pull: 'read by Countersign', push: 'sent by the vendor' },
  rounding: { none: 'as it is', up: 'up', down: 'down', nearest: 'to the nearest' },
  until: { change: 'a number changes', period: 'the next period', date: 'a day' },
  with: { link: 'a link', password: 'a password', invitation: 'an invitation' },
  lineMode: { never_lower: 'never lower', report_only: 'report only', follow: 'follow usage' },
  zero: { set: 'are set to 0', todo: 'are left as a to-do' },
};

/** Fields that are Countersign's own bookkeeping; the whole of a change is shown when its row is opened. */
const unsaid = new Set(['seen', 'round', 'process', 'alertId', 'revision', 'heldPairs', 'dataVersion']);

type Values = Record<string, unknown>;

/** Values that say more as a whole than as the sum of their fields. */
const wholes: Record<string, (value: unknown) => string> = {
  code: (value) => apart(String(value)),
  problem: (value) => apart(String(value)),
  step: (value) => apart(String(value)),
  steps: (value) => (Array.isArray(value) ? value.map((each) => apart(String(each))).join(', ') : 'none'),
  choice: (value) =>
    isRecord(value) ? `every ${text('every', value['every'])} at ${text('at', value['at'])}` : text('', value),
  filter: (value) => {
    const said = isRecord(value) ? saidOf(value) : '';
    return said === '' ? 'all that can be approved' : said;
  },
  cardIds: (value) => `${formatCount(Array.isArray(value) ? value.length : Number(value))} selected`,
  money: (value) =>
    listOf(value)
      .map(
        ({ amount, currency, notBilled }) =>
          `${notBilled === true ? 'not billed: ' : ''}${formatCount(Number(amount))} ${String(currency)}`,
      )
      .join(' and '),
  leftOut: (value) =>
    listOf(value)
      .map(({ cards, reason }) => `${formatCount(Number(cards))} ${apart(String(reason))}`)
      .join(' and '),
  overlapMs: (value) => formatDuration(Number(value)),
  everyMinutes: (value) => formatDuration(Number(value) * 60_000),
  escalateAfterMinutes: (value) => formatDuration(Number(value) * 60_000),
  writesEnabled: (value) => (value === true ? 'on' : 'off'),
  priorities: (value) => (isRecord(value) ? `${formatCount(Object.keys(value).length)} chosen` : text('', value)),
  guard: (value) => {
    const rows = (part: unknown) => (isRecord(part) ? saidOf(part) : 'none');
    return isRecord(value) ? `${rows(value['before'])} before, ${rows(value['after'])} after` : 'none';
  },
};

const listOf = (value: unknown): Values[] => (Array.isArray(value) ? value.filter(isRecord) : []);

/** What changed, in a line of names with values: only what is other than before, and no ids of ours. */
export function wordsOfChange(before: unknown, after: unknown): string {
  const [was, is] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  if (!isRecord(before) && !isRecord(after))
    return [before, after]
      .filter((each) => each != null)
      .map(String)
      .join(' → ');
  const names = [...new Set([...Object.keys(is), ...Object.keys(was)])].filter((name) =>
    isSaid(name, is[name] ?? was[name]),
  );
  return names
    .flatMap((name) => {
      const [from, to] = [text(name, was[name]), text(name, is[name])];
      if (name in was && name in is) return from === to ? [] : [`${label(name)}: ${from} → ${to}`];
      return [`${label(name)}: ${name in is ? to : from}`];
    })
    .join(' · ');
}

const label = (name: string) => labels[name] ?? apart(name);

// The status of an answer is in what happened.
const isSaid = (name: string, value: unknown) =>
  !unsaid.has(name) && !isId(value) && !(name === 'status' && typeof value === 'number');

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One of Countersign's own ids, or something that is made of one. */
const isId = (value: unknown) => typeof value === 'string' && /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/.test(value);

/** The fields of a value, in a line. */
const saidOf = (value: Values) =>
  Object.entries(value)
    .filter(([name, each]) => isSaid(name, each) && each !== null && each !== undefined)
    .map(([name, each]) => `${label(name)} ${text(name, each)}`)
    .join(', ');

function text(name: string, value: unknown): string {
  if (value === undefined || value === null || value === '') return 'none';
  const whole = wholes[name];
  if (whole) return whole(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return formatCount(value);
  if (typeof value === 'string')
    return (
      meanings[name]?.[value] ?? (/^\d{4}-\d\d-\d\dT/.test(value) ? formatTime(new Date(value), new Date()) : value)
    );
  if (isRecord(value)) return saidOf(value) || 'none';
  if (!Array.isArray(value) || value.length === 0) return 'none';
  return value.some((each) => isRecord(each) || isId(each))
    ? formatCount(value.length)
    : value.map((each) => text(name, each)).join(', ');
}
