/** Routes 9 to 15: accounts, and services of one organization ("dynamic"), which have the same form. */
import type { Wakeable } from '../../domain/process/ids.ts';
import { Hono } from 'hono';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { completeMigrationStep } from '../../db/queries/migration.ts';
import { askToMatch, beginOnboardings } from '../../commands/onboarding.ts';
import { completeLinkCustomers } from '../../db/queries/push.ts';
import {
  changeAccounts,
  changeDynamicServices,
  listIdsWithComma,
  listKnownIds,
  listPushedAccounts,
  listPushedServices,
  putAccounts,
  putDynamicServices,
  type PushedThing,
} from '../../db/queries/pushCatalogue.ts';
import { meantIds, possibleIds } from '../../domain/idReadings.ts';
import type { Queryable, Transaction } from '../../db/client.ts';
import { wakeAll } from '../context.ts';
import { audit } from '../../commands/actor.ts';
import { linkersOf } from '../../commands/integration.ts';
import { idIn, meantIn } from './address.ts';
import { jsonOf, VendorApiError, type VendorApiEnv, type VendorContext } from './responses.ts';
import { listOfFields, optionalFlag, optionalText, requiredText, valuesOf, type Fields } from './fields.ts';
import { vendorActor } from './vendor.ts';

interface Entry extends PushedThing {
  mappingId: string | null;
}

/** Accounts and dynamic services differ in their tables, and in what creating one completes. */
interface Kind {
  of: 'accounts' | 'services';
  path: string;
  idsName: string;
  one: string;
  list(db: Queryable, integrationId: string, ids?: readonly string[]): Promise<Entry[]>;
  /** @returns the processes to wake after the commit */
  put(
    tx: Transaction,
    row: IntegrationRow,
    entries: readonly (PushedThing & { name: string })[],
  ): Promise<readonly Wakeable[]>;
  /** @throws VendorApiError for an unknown id */
  change(tx: Transaction, integrationId: string, entries: readonly PushedThing[]): Promise<readonly Wakeable[]>;
  after(tx: Transaction, integrationId: string): Promise<void>;
}

const accounts: Kind = {
  of: 'accounts',
  path: '/organization/accounts',
  idsName: 'accountIds',
  one: 'account',
  list: listPushedAccounts,
  async put(tx, row, entries) {
    const created = await putAccounts(tx, row.id, entries);
    return beginOnboardings(tx, row, created, { by: 'vendor', actor: vendorActor(row).name });
  },
  async change(tx, integrationId, entries) {
    refuseUnknown('account', await changeAccounts(tx, integrationId, entries));
    // The new name may be that of a PSA account.
    return askToMatch(tx, { integrationId });
  },
  async after(tx, integrationId) {
    await completeLinkCustomers(tx, integrationId);
    await completeMigrationStep(tx, integrationId, 'linkCustomers');
  },
};

const services: Kind = {
  of: 'services',
  path: '/organization/services',
  idsName: 'serviceIds',
  one: 'service',
  list: async (db, integrationId, ids) =>
    (await listPushedServices(db, integrationId, { dynamic: true, ids })).map((row) => ({
      ...row.service,
      mappingId: row.productIds?.[0] ?? null,
    })),
  async put(tx, { id }, entries) {
    await putDynamicServices(tx, id, entries);
    return [];
  },
  async change(tx, integrationId, entries) {
    refuseUnknown('service', await changeDynamicServices(tx, integrationId, entries));
    return [];
  },
  after: async () => undefined,
};

export const accountAndServiceRoutes = new Hono<VendorApiEnv>();

for (const kind of [accounts, services]) {
  accountAndServiceRoutes.get(kind.path, async (c) => {
    const found = await listAsked(c, kind);
    // Unmapped entries are left out only for `false`; the older client expects all without the parameter.
    const unmappedToo = c.req.query('returnUnmapped') !== 'false';
    return c.json(found.filter((entry) => unmappedToo || entry.mappingId !== null).map(entryView));
  });

  accountAndServiceRoutes.post(kind.path, async (c) => {
    const entries = listOfFields(await jsonOf(c)).map((fields) => ({
      ...partsOf(fields),
      id: requiredText(fields, 'id', 200),
      name: requiredText(fields, 'name', 500),
    }));
    await store(c, kind, `${kind.one}s.put`, entries.length, (tx, row) => kind.put(tx, row, lastOfEach(entries)));
    return c.json(await viewsOf(c, kind, entries), 201);
  });

  accountAndServiceRoutes.patch(kind.path, async (c) => {
    const entries = listOfFields(await jsonOf(c)).map((fields) => ({
      ...partsOf(fields),
      id: requiredText(fields, 'id', 200),
    }));
    await change(c, kind, entries);
    return c.json(await viewsOf(c, kind, entries));
  });

  // The rest of the path, because an id may hold a slash and be sent with it.
  accountAndServiceRoutes.patch(`${kind.path}/:id{.+}`, async (c) => {
    const [fields = {}] = listOfFields(await jsonOf(c));
    const asked = idIn(c, `${kind.path}/`);
    const known = await listKnownIds(c.get('deps').db, kind.of, c.get('integration').id, asked.readings);
    const entry = { ...partsOf(fields), id: meantIn(asked, known)?.id ?? asked.readings[0] };
    await change(c, kind, [entry]);
    const [view] = await viewsOf(c, kind, [entry]);
    return c.json(view);
  });
}

/** Lists all entries, or those that the query asks for by their ids. */
async function listAsked(c: VendorContext, kind: Kind): Promise<Entry[]> {
  const { db } = c.get('deps');
  const { id } = c.get('integration');
  const values = valuesOf(c.req.queries(), kind.idsName);
  if (values === undefined) return kind.list(db, id);
  const withComma = values.some((value) => value.includes(',')) ? await listIdsWithComma(db, kind.of, id) : [];
  const found = await kind.list(db, id, possibleIds(values, new Set(withComma)));
  const meant = meantIds(values, new Set(found.map((entry) => entry.id)));
  if (!meant) throw new VendorApiError(409, `${kind.idsName} may be read in several ways. Ask for all, without it`);
  const ids = new Set(meant);
  return found.filter((entry) => ids.has(entry.id));
}

function partsOf(fields: Fields): Omit<PushedThing, 'id'> {
  return {
    name: optionalText(fields, 'name', 500),
    description: optionalText(fields, 'description'),
    isActive: optionalFlag(fields, 'isActive'),
    isArrears: optionalFlag(fields, 'isArrears'),
  };
}

/** Changes all entries or none: an unknown id refuses the whole list. */
async function change(c: VendorContext, kind: Kind, entries: readonly PushedThing[]): Promise<void> {
  await store(c, kind, `${kind.one}s.change`, entries.length, (tx, { id }) => kind.change(tx, id, merged(entries)));
}

function refuseUnknown(one: string, id: string | undefined): void {
  if (id !== undefined) throw new VendorApiError(404, `No ${one} found with id: ${id}`);
}

async function store(
  c: VendorContext,
  kind: Kind,
  action: string,
  count: number,
  write: (tx: Transaction, row: IntegrationRow) => Promise<readonly Wakeable[]>,
): Promise<void> {
  const row = c.get('integration');
  const deps = c.get('deps');
  const toWake = await deps.db.transaction(async (tx) => {
    const linkers = await linkersOf(tx, row);
    const written = await write(tx, row);
    await kind.after(tx, row.id);
    await audit(tx, vendorActor(row), { action, subjectKind: 'integration', subjectId: row.id, after: { count } });
    return [...linkers, ...written];
  });
  wakeAll(deps, toWake);
}

/** Keeps the last entry of each id, because one statement cannot write a row twice. */
function lastOfEach<T extends { id: string }>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}

/** Merges entries with the same id: each field has the value that was given last, as if the changes were made one by one. */
function merged(entries: readonly PushedThing[]): PushedThing[] {
  const byId = new Map<string, PushedThing>();
  for (const entry of entries) {
    const before = byId.get(entry.id);
    byId.set(entry.id, {
      id: entry.id,
      name: entry.name ?? before?.name,
      description: entry.description ?? before?.description,
      isActive: entry.isActive ?? before?.isActive,
      isArrears: entry.isArrears ?? before?.isArrears,
    });
  }
  return [...byId.values()];
}

/** The entries as they are now, in the order in which they were asked for. */
async function viewsOf(c: VendorContext, kind: Kind, asked: readonly { id: string }[]) {
  const found = await kind.list(
    c.get('deps').db,
    c.get('integration').id,
    asked.map(({ id }) => id),
  );
  const byId = new Map(found.map((entry) => [entry.id, entry]));
  return asked.flatMap(({ id }) => {
    const entry = byId.get(id);
    return entry ? [entryView(entry)] : [];
  });
}

function entryView({ id, name, description, isActive, isArrears, mappingId }: Entry) {
  return { id, name, description, isActive, isArrears, isMapped: mappingId !== null, mappingId };
}
