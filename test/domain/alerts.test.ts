import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alertFields,
  alertSettingsOf,
  completeBoard,
  fillIn,
  oneLine,
  overlay,
  spreadPriorities,
  unknownFields,
  type TicketOptions,
} from '../../domain/alerts.ts';
import { deriveAlerts, readRules } from '../../domain/derivedAlerts.ts';
import { noteText, referenceIn, ticketText, withReference, type AlertToDeliver } from '../../domain/ticketText.ts';

const status = { id: '1', name: 'New', closed: false, active: true, isDefault: true };
const options: TicketOptions = {
  boards: [
    {
      id: 'service',
      name: 'Service',
      projectBoard: false,
      active: true,
      statuses: [
        { ...status, id: 'triage', isDefault: false },
        status,
        { ...status, id: 'closed', name: 'Closed', closed: true, isDefault: false },
        { ...status, id: 'retired', name: 'Retired', active: false, isDefault: false },
      ],
      types: [
        { id: 'mail', name: 'E-mail', active: true },
        { id: 'fax', name: 'Fax', active: false },
      ],
    },
    { id: 'old', name: 'Old', projectBoard: false, active: false, statuses: [], types: [] },
    { id: 'projects', name: 'Projects', projectBoard: true, active: true, statuses: [], types: [] },
    { id: 'bare', name: 'Bare', projectBoard: false, active: true, statuses: [], types: [] },
  ],
  priorities: ['p1', 'p2', 'p3', 'p4'].map((id) => ({ id, name: id, isDefault: false })),
};

describe('the board (G13)', () => {
  test('completed with its default status and the priorities in their order', () => {
    expect(completeBoard(options, { boardId: 'service' })).toEqual({
      choice: { boardId: 'service', statusId: '1', typeId: null, priorities: { 1: 'p4', 2: 'p3', 3: 'p2', 4: 'p1' } },
    });
    const given = { boardId: 'service', statusId: 'triage', typeId: 'mail', priorities: { 1: 'p1', 2: undefined } };
    expect(completeBoard(options, given)).toMatchObject({
      choice: { statusId: 'triage', typeId: 'mail', priorities: { 1: 'p1', 2: 'p3' } },
    });
  });

  test.each([
    ['an unknown board', { boardId: 'toString' }, 'boardId', /no such board/],
    ['an inactive board', { boardId: 'old' }, 'boardId', /inactive/],
    ['a project board', { boardId: 'projects' }, 'boardId', /project board/],
    ['a board without a status', { boardId: 'bare' }, 'statusId', /no such status/],
    ['a closed status', { boardId: 'service', statusId: 'closed' }, 'statusId', /closed/],
    ['an inactive status', { boardId: 'service', statusId: 'retired' }, 'statusId', /inactive/],
    ['a status of another board', { boardId: 'service', statusId: '99' }, 'statusId', /no such status/],
    ['an inactive type', { boardId: 'service', typeId: 'fax' }, 'typeId', /inactive/],
    ['an unknown priority', { boardId: 'service', priorities: { 3: 'p9' } }, 'priorities.3', /no such priority/],
  ])('%s is refused with the reason', (_, given, field, reason) => {
    const completed = completeBoard(options, given);
    expect(completed).toEqual({ refusals: [{ field, reason: expect.stringMatching(reason) as string }] });
  });

  test('priorities are spread in order, however many the PSA has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), (count) => {
        const list = Array.from({ length: count }, (_, at) => ({ id: String(at) }));
        const spread = spreadPriorities(list);
        const places = [spread[4], spread[3], spread[2], spread[1]].map(Number);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect([places[0], places[3]]).toEqual([0, count - 1]);
      }),
    );
    expect(spreadPriorities([])).toEqual({ 1: '', 2: '', 3: '', 4: '' });
  });
});

test('settings have their defaults, and what is given takes the place of what is there', () => {
  expect(alertSettingsOf({})).toMatchObject({ board: null, whenClosed: 'new_ticket', storm: { most: 10 } });
  expect(alertSettingsOf({ storm: { most: 0, windowMinutes: 5 } }).storm).toEqual({ most: 0, windowMinutes: 5 });
  expect(overlay({ a: 1, b: 2 }, { a: undefined, b: 3 })).toEqual({ a: 1, b: 3 });
});

describe('texts', () => {
  const told = (alert: Partial<AlertToDeliver['alert']> = {}, more: Partial<AlertToDeliver> = {}): AlertToDeliver => ({
    alert: {
      alertId: 'q-1',
      source: 'vendor',
      title: 'Mail is delayed',
      description: 'For {account}: 40 minutes.',
      priority: 4,
      revision: 1,
      receivedAt: new Date('2026-11-25T09:00:30Z'),
      dueAt: null,
      clearedAt: null,
      previousTicketId: null,
      ...alert,
    },
    integration: { vendor: 'mailprotector' },
    accountName: 'Acme',
    serviceName: null,
    gathered: undefined,
    ...more,
  });
  const { summary, body } = alertSettingsOf({});

  test("the default texts say all there is; the vendor's own text is no template", () => {
    const text = ticketText(told(), { summary, body }, 100);
    expect(text.summary).toBe('Mail is delayed (Acme)');
    expect(text.body).toContain('For {account}: 40 minutes.');
    expect(text.body).toContain('Priority: very high\nReceived: 2026-11-25 09:00 UTC\nDue: —\nAlert: q-1');
  });

  test('a next ticket says which it follows, a test that it is one, a storm what it gathered', () => {
    expect(ticketText(told({ previousTicketId: '77' }), { summary, body }, 100).body).toMatch(/^It follows ticket 77/);
    expect(ticketText(told({ source: 'test' }), { summary, body }, 100).body).toMatch(/^This is a test/);
    const gathered = Array.from({ length: 60 }, (_, at) => ({ title: `T${at}`, count: 2 }));
    const many = ticketText(told({ source: 'storm' }, { gathered }), { summary, body }, 100);
    expect(many.summary).toBe('120 more alerts (Acme)');
    expect(many.body.split('\n')).toHaveLength(51);
    expect(many.body).toMatch(/20 × others$/);
    expect(noteText(told({}, { gathered }))).toMatch(/^120 more alerts so far\./);
  });

  test('a reference in the text is found again, whatever the vendor wrote before it', () => {
    const vendors = told({ description: 'Reference: 7\nSee there.' });
    const text = withReference(ticketText(vendors, { summary, body }, 100).body, 'cs-1');
    expect(text).toContain('Reference: 7\nSee there.');
    expect(referenceIn(text)).toBe('cs-1');
    // A PSA may keep other line ends, or add lines of its own.
    expect(referenceIn(`${text.replaceAll('\n', '\r\n')}\r\n\r\nSent by a program.`)).toBe('cs-1');
    expect(referenceIn('Nothing of ours.')).toBeUndefined();
  });

  test('notes: again, or over', () => {
    expect(noteText(told({ revision: 3 }))).toMatch(/^It came again \(3 times so far\)/);
    expect(noteText(told({ clearedAt: new Date('2026-11-26T00:00:00Z') }))).toContain('2026-11-26 00:00 UTC');
  });

  test('names that there are not are found, in any text', () => {
    expect(unknownFields('{title} {titel} {constructor} {}')).toEqual(['titel', 'constructor']);
    expect(unknownFields(alertFields.map((name) => `{${name}}`).join(''))).toEqual([]);
  });

  test('filling in is once: what is filled in is never read again', () => {
    const values = Object.fromEntries(alertFields.map((name) => [name, `{${name}}{title}`]));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...alertFields.map((name) => `{${name}}`), 'x', '{', '}')), (parts) => {
        const filled = fillIn(parts.join(''), values as Record<(typeof alertFields)[number], string>);
        const wanted = parts.map((part) => values[part.slice(1, -1)] ?? part).join('');
        expect(filled).toBe(wanted);
      }),
    );
  });

  test('a summary is one line that fits, and no character is cut in two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 2, max: 100 }), (text, longest) => {
        const line = oneLine(text, longest);
        expect(line.length).toBeLessThanOrEqual(longest);
        expect(line).not.toMatch(/[\n\r\t]/);
        // `binary` strings have no half characters, so neither has what is cut of them.
        expect(line).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
      }),
    );
    expect(oneLine('😀'.repeat(10), 5)).toBe('😀😀…');
  });
});

describe('derived alerts', () => {
  const { rules } = alertSettingsOf({});
  const domain = (createdOn: string | null) => ({ id: '9', name: 'acme.example', accountId: '1', createdOn });
  const statement = { id: '3', accountId: '1', amount: 10, currency: 'USD', dueOn: '2026-11-18', status: 'Open' };

  test('a domain is one from the day on that it has been Pending for so long', () => {
    const of = (createdOn: string | null) =>
      deriveAlerts({ pendingDomains: [domain(createdOn)] }, rules, '2026-11-25').length;
    expect([of('2026-11-22'), of('2026-11-23'), of(null)]).toEqual([1, 0, 1]);
  });

  test('a statement is one from the day on that it has been due for so long', () => {
    const of = (today: string) => deriveAlerts({ openStatements: [statement] }, rules, today).length;
    expect([of('2026-11-24'), of('2026-11-25')]).toEqual([0, 1]);
  });

  test('a rule that is off makes none; what was not read is not spoken for', () => {
    const signals = { pendingDomains: [domain(null)], deadSyncs: [] };
    const off = { ...rules, domainPending: { on: false, afterDays: 3 } };
    expect(deriveAlerts(signals, off, '2026-11-25')).toEqual([]);
    expect(readRules(signals)).toEqual(['domainPending', 'directorySync']);
    expect(readRules({})).toEqual([]);
  });
});
