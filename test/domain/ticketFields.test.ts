import { expect, test } from 'vitest';
import { fieldsNoLongerOffered, refusedTicketFields, ticketFieldsOf } from '../../domain/ticketFields.ts';

const setting = (
  name: string,
  ofTickets: 'fixed' | 'listed' | null,
  choices: { id: string; name: string }[] | null,
) => ({
  name,
  label: name.toUpperCase(),
  choices,
  default: choices?.[0]?.id ?? '',
  ofTickets,
});
const settings = [
  setting('zero', null, [{ id: 'set', name: 'Set to 0' }]),
  setting('origin', 'fixed', [
    { id: 'program', name: 'A program' },
    { id: 'mail', name: 'Mail' },
  ]),
  setting('place', 'listed', null),
];
const remote = { id: '62', name: 'From afar' };
const options = { boards: [], priorities: [], fields: { place: [remote] } };

test('only what belongs to tickets is a field of theirs, with its value in words; an empty one is left to the PSA', () => {
  const valuesOf = (values: object, read: typeof options | null = options) =>
    ticketFieldsOf(settings, { ...values }, read).map(({ name, value }) => [name, value]);
  expect(valuesOf({})).toEqual([
    ['origin', 'A program'],
    ['place', null],
  ]);
  expect(valuesOf({ origin: 'mail', place: '62' })).toEqual([
    ['origin', 'Mail'],
    ['place', 'From afar'],
  ]);
  // It is not offered any more, or was never read.
  expect(valuesOf({ place: '61' })[1]).toEqual(['place', '61']);
  expect(valuesOf({ place: '62' }, null)[1]).toEqual(['place', '62']);
  expect(ticketFieldsOf(settings, {}, options)[1]?.choices).toEqual([remote]);
  expect(ticketFieldsOf(settings, {}, null)[1]?.choices).toBeNull();
});

test('a value that the PSA does not offer is refused, and any while it is not known what it offers', () => {
  const refused = (
    place: string,
    { before = '', read = options }: { before?: string; read?: typeof options | null } = {},
  ) => refusedTicketFields(settings, { place, origin: 'nobody' }, { before: { place: before }, options: read });
  expect(refused('62')).toEqual([]);
  expect(refused('')).toEqual([]);
  expect(refused('', { read: null })).toEqual([]);
  expect(refused('61')).toEqual([{ field: 'place', reason: 'The PSA offers no such value.' }]);
  expect(refused('62', { read: null })).toMatchObject([
    { field: 'place', reason: expect.stringContaining('Check Permissions') },
  ]);
  // What was set before stays, so that other settings can be changed.
  expect(refused('61', { before: '61' })).toEqual([]);
});

test('a value that is offered no longer is told by the name that it had; what could not be read, or is not set, is believed', () => {
  const goneOf = (place: string, now: { place?: (typeof remote)[] }, known: typeof options | null = options) =>
    fieldsNoLongerOffered(settings, { place, origin: 'nobody' }, { known, now: { fields: now } });
  const onSite = { id: '61', name: 'On site' };
  expect(goneOf('62', { place: [onSite] })).toEqual([{ label: 'PLACE', value: 'From afar' }]);
  expect(goneOf('62', { place: [] }, null)).toEqual([{ label: 'PLACE', value: '62' }]);
  expect(goneOf('62', { place: [onSite, remote] })).toEqual([]);
  expect(goneOf('', { place: [onSite] })).toEqual([]);
  expect(goneOf('62', {})).toEqual([]);
  expect(fieldsNoLongerOffered(settings, {}, { known: options, now: { fields: { place: [] } } })).toEqual([]);
});
