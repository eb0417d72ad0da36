/** Routes 9 to 15: accounts, and services of one organization ("dynamic"), which have the same form. */
import { Hono } from 'hono';
import {
  listIdsWithComma,
  listKnownIds,
  listPushedAccounts,
  listPushedServices,
  type PushedKind,
  type PushedThing,
} from '../../db/queries/pushCatalogue.ts';
import { meantIds, possibleIds } from '../../domain/idReadings.ts';
import { changePushed, putPushed } from '../../commands/vendorPush.ts';
import type { Queryable } from '../../db/client.ts';
import { idIn, meantIn } from './address.ts';
import { jsonOf, VendorApiError, type VendorApiEnv, type VendorContext } from './responses.ts';
import {
  listOfFields,
  optionalFlag,
  optionalName,
  optionalText,
  requiredText,
  valuesOf,
  type Fields,
} from './fields.ts';
import { runAsVendor } from './vendor.ts';

interface Entry extends PushedThing {
  mappingId: string | null;
}

/** Accounts and dynamic services differ in their tables. */
interface Kind {
  of: PushedKind;
  path: string;
  idsName: string;
  list(db: Queryable, integrationId: string, ids?: readonly string[]): Promise<Entry[]>;
}

const accounts: Kind = {
  of: 'accounts',
  path: '/organization/accounts',
  idsName: 'accountIds',
  list: listPushedAccounts,
};

const services: Kind = {
  of: 'services',
  path: '/organization/services',
  idsName: 'serviceIds',
  list: async (db, integrationId, ids) =>
    (await listPushedServices(db, integrationId, { dynamic: true, ids })).map((row) => ({
      ...row.service,
      mappingId: row.productIds?.[0] ?? null,
    })),
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
    await runAsVendor(c, putPushed, { of: kind.of, entries });
    return c.json(await viewsOf(c, kind, entries), 201);
  });

  accountAndServiceRoutes.patch(kind.path, async (c) => {
    const entries = listOfFields(await jsonOf(c)).map((fields) => ({
      ...partsOf(fields),
      id: requiredText(fields, 'id', 200),
    }));
    await runAsVendor(c, changePushed, { of: kind.of, entries });
    return c.json(await viewsOf(c, kind, entries));
  });

  // The rest of the path, because an id may hold a slash and be sent with it.
  accountAndServiceRoutes.patch(`${kind.path}/:id{.+}`, async (c) => {
    const [fields = {}] = listOfFields(await jsonOf(c));
    const asked = idIn(c, `${kind.path}/`);
    const known = await listKnownIds(c.get('deps').db, kind.of, c.get('integration').id, asked.readings);
    const entry = { ...partsOf(fields), id: meantIn(asked, known)?.id ?? asked.readings[0] };
    await runAsVendor(c, changePushed, { of: kind.of, entries: [entry] });
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
    name: optionalName(fields, 'name', 500),
    description: optionalText(fields, 'description'),
    isActive: optionalFlag(fields, 'isActive'),
    isArrears: optionalFlag(fields, 'isArrears'),
  };
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
