/** Every change that the code can write into the audit, as the console says it: none shows a raw name or an empty value. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { kinds, wordsOfAction, wordsOfChange } from '../../console/src/features/audit/words.ts';

const id = '8f12e6f5-140d-4b30-a812-a44234d8b6bc';

/** Action, before, after, and what is said of it. */
const changes: readonly [action: string, before: unknown, after: unknown, said: string][] = [
  [
    'account.map',
    { how: null, excluded: false, psaAccountId: null },
    { how: 'person', excluded: false, psaAccountId: '21', by: 'file' },
    'Account mapping: mapped | how: none → by a person · PSA account: none → 21 · by: a file',
  ],
  [
    'account.unmap',
    { how: 'exact', excluded: false, psaAccountId: '20' },
    { how: null, excluded: false, psaAccountId: null },
    'Account mapping: mapping removed | how: by its exact name → none · PSA account: 20 → none',
  ],
  [
    'account.exclude',
    { how: null, excluded: false, psaAccountId: null },
    { how: null, excluded: true, psaAccountId: null, reason: 'a test' },
    'Account mapping: excluded | excluded: no → yes · reason: a test',
  ],
  [
    'account.include',
    { how: null, excluded: true, psaAccountId: null },
    { how: null, excluded: false, psaAccountId: null },
    'Account mapping: included again | excluded: yes → no',
  ],
  ['accounts.put', null, { count: 3 }, 'Customers that the vendor sent: set | count: 3'],
  ['accounts.change', null, { count: 1 }, 'Customers that the vendor sent: changed | count: 1'],
  ['services.put', null, { count: 2 }, 'Services that the vendor sent: set | count: 2'],
  ['services.change', null, { count: 2 }, 'Services that the vendor sent: changed | count: 2'],
  [
    'alert.parked',
    null,
    { code: 'unmapped', detail: 'No board is chosen.' },
    'Alerts: waits for its mapping | why: unmapped · what happened: No board is chosen.',
  ],
  [
    'alert.dead',
    null,
    { code: 'refused', detail: 'The PSA refused it.', status: 400 },
    'Alerts: given up | why: refused · what happened: The PSA refused it.',
  ],
  [
    'alert.dismissed',
    { state: 'parked' },
    { code: 'dismissed', detail: 'Planned.' },
    'Alerts: dismissed | why: dismissed · what happened: Planned. · state: parked',
  ],
  [
    'alert.retry',
    { code: 'refused', detail: 'The PSA refused it.', status: 400 },
    null,
    'Alerts: another try asked for | why: refused · what happened: The PSA refused it.',
  ],
  ['alert.test', null, { alertId: id, accountId: '1001' }, 'Alerts: test alert sent | account id: 1001'],
  [
    'alert.ticketCreated',
    null,
    { revision: 2, ticketId: '90210', reference: `CS-${id}-1` },
    'Alerts: ticket made | ticket id: 90210',
  ],
  [
    'alert.ticketFound',
    null,
    { revision: 2, ticketId: '90210', reference: `CS-${id}-1` },
    'Alerts: ticket found again | ticket id: 90210',
  ],
  [
    'alert.noteAdded',
    null,
    { revision: 3, ticketId: '90210', reference: `CS-${id}-1` },
    'Alerts: note added to the ticket | ticket id: 90210',
  ],
  [
    'alerts.board',
    {},
    { board: { typeId: null, boardId: '2', statusId: '200', priorities: { '1': '4', '2': '3', '3': '2', '4': '1' } } },
    'Alert settings: board chosen | board: board id 2, status id 200, priorities 4 chosen',
  ],
  [
    'alerts.settings',
    { stormLimit: 10, summary: '{title}' },
    { stormLimit: 20, summary: '{title}' },
    'Alert settings: settings changed | storm limit: 10 → 20',
  ],
  [
    'alerts.derived',
    null,
    { raised: 1, cleared: 0 },
    'Alert settings: made from what was read | raised: 1 · cleared: 0',
  ],
  [
    'alerts.notDerived',
    null,
    { code: 'unreachable', accounts: 2 },
    'Alert settings: could not be made from what was read | why: unreachable · customers: 2',
  ],
  [
    'approval.preview',
    null,
    {
      cards: 29,
      money: [
        { cards: 28, amount: -104, currency: 'USD', notBilled: false },
        { cards: 1, amount: 0, currency: 'USD', notBilled: true },
      ],
      filter: {},
      leftOut: [
        { cards: 7, reason: 'not_writable' },
        { cards: 2, reason: 'needs_choice' },
      ],
      psaConnectionId: id,
    },
    'Approvals: previewed | cards: 29 · money: -104 USD and not billed: 0 USD · filter: all that can be approved · left out: 7 not writable and 2 needs choice',
  ],
  [
    'approval.create',
    null,
    { lines: 1, skipped: 0, seen: [{ to: 5, from: 4, cardId: id }] },
    'Approvals: approved | lines: 1 · skipped: 0',
  ],
  [
    'approval.undo',
    null,
    { lines: 2, skipped: 0, previewId: id, cards: 2 },
    'Approvals: undone | lines: 2 · skipped: 0 · cards: 2',
  ],
  ['approval.applied', { quantity: 4 }, { quantity: 5 }, 'Approvals: written | quantity: 4 → 5'],
  ['approval.already', { quantity: 4 }, { quantity: 5 }, 'Approvals: the PSA had the number already | quantity: 4 → 5'],
  [
    'approval.conflict',
    { quantity: 4 },
    { quantity: 7 },
    'Approvals: not written, the PSA had another number | quantity: 4 → 7',
  ],
  [
    'approval.rejected',
    { quantity: 4 },
    { problem: 'refused' },
    'Approvals: refused by the PSA | problem: refused · quantity: 4',
  ],
  ['approval.todo', { quantity: 4 }, { todo: 0 }, 'Approvals: left as a to-do | to-dos: 0 · quantity: 4'],
  [
    'approval.close',
    { state: 'requested' },
    { state: 'closed', todo: 2 },
    'Approvals: finished | state: requested → closed · to-dos: 2',
  ],
  [
    'approval.replace',
    { todo: 2 },
    { replaced: 2, by: id, state: 'closed' },
    'Approvals: to-dos replaced by a newer approval | replaced: 2 · state: closed · to-dos: 2',
  ],
  [
    'approval.stop',
    { intended: 3 },
    { todo: 3 },
    'Approvals: stopped, because writing was turned off | to-dos: 3 · intended: 3',
  ],
  ['approval.verified', { quantity: 4 }, { quantity: 5 }, 'Approvals: to-do found done in the PSA | quantity: 4 → 5'],
  [
    'approval.withdraw',
    { state: 'todo', todo: 2 },
    { state: 'closed', withdrawn: 2, lines: [id, id] },
    'Approvals: withdrawn | state: todo → closed · withdrawn: 2 · lines: 2 · to-dos: 2',
  ],
  [
    'card.dismiss',
    { target: 12, current: 14 },
    { dismissal: { until: 'change', reason: 'agreed', author: `person:${id}`, target: 12, current: 14 } },
    'Cards: dismissed | dismissal: until a number changes, reason agreed, to bill then 12, billed then 14 · to bill then: 12 · billed then: 14',
  ],
  [
    'card.undismiss',
    { target: 12, current: 14 },
    { dismissal: null },
    'Cards: dismissal ended | dismissal: none · to bill then: 12 · billed then: 14',
  ],
  [
    'card.review',
    { target: 12, current: 14 },
    { dismissal: { until: 'change', reason: 'Reviewed, no change', author: `token:${id}`, reviewed: true } },
    'Cards: reviewed, no change | dismissal: until a number changes, reason Reviewed, no change, reviewed yes · to bill then: 12 · billed then: 14',
  ],
  [
    'card.line',
    { target: 12, current: 14 },
    { lineId: '70000001' },
    'Cards: line picked | line: 70000001 · to bill then: 12 · billed then: 14',
  ],
  [
    'card.rule',
    { target: 12, current: 14 },
    { rule: { minimum: 5, reason: 'contract', expires: '2099-12-31', author: `person:${id}` } },
    'Cards: rule set or removed | rule: minimum 5, reason contract, expires 2099-12-31 · to bill then: 12 · billed then: 14',
  ],
  ['credentials.reencrypt', null, null, 'Stored credentials: encrypted anew | '],
  ['customer.found', null, { by: 'sync' }, 'New customers: found | by: a sync'],
  ['customer.renamed', { name: 'Acme' }, { name: 'Acme Dental' }, 'New customers: renamed | name: Acme → Acme Dental'],
  ['customer.returned', null, null, 'New customers: there again | '],
  ['customer.removed', null, { movedTo: ['1002'] }, 'New customers: no longer there | moved to: 1002'],
  ['customer.escalated', null, null, 'New customers: waits too long | '],
  ['customer.onboarded', null, { psaAccountId: '21', runId: id }, 'New customers: taken on board | PSA account: 21'],
  ['customers.link', null, { linked: 40 }, 'Linked customers: linked | customers linked: 40'],
  [
    'incomplete.accept',
    null,
    { process: 'sync', round: id, step: 'pullVendor', what: 'The list did not arrive whole.' },
    'Incomplete lists accepted: accepted | step: pull vendor · what: The list did not arrive whole.',
  ],
  [
    'integration.create',
    null,
    { intake: 'pull', vendor: 'mailprotector', modules: ['billing', 'alerts'] },
    'Integrations: made | intake: read by Countersign · vendor: mailprotector · modules: billing, alerts',
  ],
  ['integration.credentials', null, { resellerId: '500' }, 'Integrations: credentials given | reseller id: 500'],
  ['integration.disconnect', null, null, 'Integrations: disconnected | '],
  [
    'integration.intake',
    { intake: 'pull' },
    { intake: 'push' },
    'Integrations: how counts arrive changed | intake: read by Countersign → sent by the vendor',
  ],
  [
    'integration.key',
    null,
    { keyId: id, overlapMs: 3600000 },
    'Integrations: key made | the old key works for another: 1 h',
  ],
  ['integration.keyRevoked', null, { keyId: id }, 'Integrations: key revoked | '],
  [
    'integration.pushStatus',
    { status: 'pending' },
    { status: 'active' },
    'Integrations: status set by the vendor | status: pending → active',
  ],
  [
    'integration.reconnect',
    null,
    { steps: ['credentials', 'verifyCredentials'] },
    'Integrations: connected again | steps: credentials, verify credentials',
  ],
  [
    'invitation.create',
    null,
    { email: 'ada@example.com', role: 'operator' },
    'Invitations: made | email: ada@example.com · role: operator',
  ],
  [
    'invitation.withdraw',
    { email: 'ada@example.com', role: 'operator' },
    null,
    'Invitations: withdrawn | email: ada@example.com · role: operator',
  ],
  ['member.join', null, { role: 'operator', invitation: id }, 'Members: joined | role: operator'],
  ['member.role', { role: 'viewer' }, { role: 'admin' }, 'Members: role changed | role: viewer → admin'],
  [
    'member.remove',
    { email: 'ada@example.com', role: 'viewer' },
    null,
    'Members: removed | email: ada@example.com · role: viewer',
  ],
  [
    'migration.request',
    { modules: ['billing'] },
    { modules: ['billing', 'alerts'] },
    'Migration to alerts: asked for | modules: billing → billing, alerts',
  ],
  [
    'migration.abandon',
    { modules: ['billing', 'alerts'] },
    { modules: ['billing'] },
    'Migration to alerts: given up | modules: billing, alerts → billing',
  ],
  ['organization.create', null, { name: 'My MSP' }, 'Organization: made | name: My MSP'],
  ['pause.end', { code: 'bad_credentials' }, null, 'Pauses: ended | why: bad credentials'],
  ['permissions.check', null, null, 'Rights in the PSA: asked for | '],
  ['person.link', null, null, 'Signing in: sign-in link made | '],
  ['person.password', null, { otherSessionsEnded: 2 }, 'Signing in: password set | other sessions ended: 2'],
  ['person.signIn', null, { with: 'link' }, 'Signing in: signed in | with: a link'],
  ['person.signOut', null, { sessions: 1 }, 'Signing in: signed out | sessions: 1'],
  ['person.signOutEverywhere', null, { sessions: 3 }, 'Signing in: signed out everywhere | sessions: 3'],
  [
    'product.combine',
    { combine: null },
    { combine: 'add' },
    'Products fed by several services: chosen how the counts are combined | combine: none → added up',
  ],
  [
    'psa.refreshed',
    null,
    { agreement: 39, psa_board: 4, psa_account: 40, psa_product: 69, agreement_line: 84, unread: 1 },
    'Reads of the PSA: done | agreements: 39 · boards: 4 · PSA accounts: 40 · products: 69 · agreement lines: 84 · rows that could not be read: 1',
  ],
  [
    'psaConnection.create',
    null,
    {
      kind: 'anypsa',
      name: 'Our PSA',
      settings: { zero: 'set', lostRows: 3, lostPercent: 20, quantityDecimals: 2 },
    },
    'PSA connections: made | kind: anypsa · name: Our PSA · settings: lines that should go to 0 are set to 0, rows that may be lost 3, percent that may be lost 20, quantity decimals 2',
  ],
  ['psaConnection.credentials', null, null, 'PSA connections: credentials given | '],
  ['psaConnection.check', null, null, 'PSA connections: rights asked for | '],
  [
    'psaConnection.settings',
    { settings: { lostRows: 3 } },
    { settings: { lostRows: 5 } },
    'PSA connections: settings changed | settings: rows that may be lost 3 → rows that may be lost 5',
  ],
  [
    'psaConnection.writes',
    { writesEnabled: false },
    { writesEnabled: true },
    'PSA connections: writing turned on or off | writing: off → on',
  ],
  [
    'psaRefresh.release',
    null,
    { refreshId: id, guard: { before: { accounts: 40, lines: 90 }, after: { accounts: 3, lines: 8 } } },
    'Held reads of the PSA: released | rows: customers 40, lines 90 before, customers 3, lines 8 after',
  ],
  [
    'psaRefresh.discard',
    null,
    { refreshId: id, guard: { before: { accounts: 40, lines: 90 }, after: { accounts: 3, lines: 8 } } },
    'Held reads of the PSA: discarded | rows: customers 40, lines 90 before, customers 3, lines 8 after',
  ],
  [
    'reminders.put',
    { everyMinutes: 1440, escalateAfterMinutes: 10080 },
    { everyMinutes: 240, escalateAfterMinutes: 10080 },
    'Reminders of new customers: set | reminder every: 24 h → 4 h',
  ],
  ['retry.pullVendor', null, null, 'Steps tried again: pull vendor | '],
  [
    'schedule.put',
    null,
    { choice: { at: '04:01', every: 'night' }, paused: false, timeZone: 'UTC', jitterMinutes: 0 },
    'Schedules: set | when: every night at 04:01 · paused: no · time zone: UTC · spread over minutes: 0',
  ],
  [
    'service.map',
    { fanOut: null, rounding: null, productIds: null },
    { fanOut: 'parts', rounding: 'none', productIds: ['120'], by: 'file' },
    'Service mapping: mapped | several products: none → each gets the count · rounding: none → as it is · products: none → 120 · by: a file',
  ],
  [
    'service.unmap',
    { fanOut: 'parts', rounding: 'none', productIds: ['120'] },
    { fanOut: null, rounding: null, productIds: null },
    'Service mapping: mapping removed | several products: each gets the count → none · rounding: as it is → none · products: 120 → none',
  ],
  ['service.put', null, { name: 'Backup' }, 'Service mapping: set | name: Backup'],
  ['step.finish', null, { accounts: 33, services: 2 }, 'Steps done: finish | customers: 33 · services: 2'],
  ['sync.request', null, null, 'Runs: asked for | '],
  [
    'sync.applied',
    null,
    {
      figures: { posted: 0, accounts: 43, goneAccounts: 0, lateAccounts: 0, counts: 160, changedCounts: 3 },
      superseded: [],
    },
    'Runs: applied | read: counts sent 0, customers 43, customers gone 0, customers that came late 0, counts in 160, counts changed 3 · held runs made needless: none',
  ],
  ['sync.release', null, null, 'Runs: released | '],
  ['sync.discard', null, null, 'Runs: discarded | '],
  [
    'token.create',
    null,
    { name: 'Nightly export', scope: 'read', expiresAt: null },
    'Tokens: made | name: Nightly export · scope: read · expires at: none',
  ],
  [
    'token.revoke',
    { name: 'Nightly export', scopes: ['read'] },
    null,
    'Tokens: revoked | name: Nightly export · scopes: read',
  ],
  [
    'vendor.listed',
    null,
    { posted: 0, accounts: 43, goneAccounts: 0, lateAccounts: 0 },
    'Reads of the vendor: customers listed | counts sent: 0 · customers: 43 · customers gone: 0 · customers that came late: 0',
  ],
  [
    'vendor.profile',
    null,
    { name: 'Mailprotector' },
    'Reads of the vendor: what the vendor says of itself changed | name: Mailprotector',
  ],
  ['vendor.verified', null, { accounts: 40 }, 'Reads of the vendor: checked | customers: 40'],
];

test.each(changes)('%s is said in words', (action, before, after, said) => {
  expect(`${wordsOfAction(action)} | ${wordsOfChange(before, after)}`).toBe(said);
  // No name of a field, no empty value, nothing that was not made for a person.
  expect(said.replaceAll(/\S+@\S+/g, '')).not.toMatch(/[a-z][A-Z]|_|undefined|\[object|: (·|$)| ,/);
});

test('every action that the code writes is among them', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const sources = ['commands', 'activities', 'cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
  const literal = new RegExp(`'((?:${Object.keys(kinds).join('|')})\\.[a-zA-Z]+)'`, 'g');
  const written = new Set(sources.flatMap((source) => [...source.matchAll(literal)].map(([, action = '']) => action)));
  expect(written.size).toBeGreaterThan(50);
  const said = new Set(changes.map(([action]) => action));
  expect([...written].filter((action) => !said.has(action))).toEqual([]);
  // Those that are put together, such as `step.${step}`, are of a kind that has a word.
  const parts = sources.flatMap((source) =>
    [...source.matchAll(/action: `([a-zA-Z]+)\./g)].map(([, kind = '']) => kind),
  );
  expect(parts.filter((kind) => !(kind in kinds))).toEqual([]);
});
