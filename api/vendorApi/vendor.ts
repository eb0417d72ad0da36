/** Routes 3 to 7: the vendor's own data and its SKUs (reference/gradient.md §4.1, §4.2). */
import { Hono } from 'hono';
import { isVendor, vendors } from '../../connectors/registry.ts';
import { readIntegration, type IntegrationRow } from '../../db/queries/integration.ts';
import { listPushedServices } from '../../db/queries/pushCatalogue.ts';
import type { IdReadings } from '../../domain/idReadings.ts';
import { vendorActor, type Command } from '../../commands/actor.ts';
import { requestMigration } from '../../commands/migration.ts';
import { Refusal } from '../../commands/refusal.ts';
import { changeVendorProfile, putService } from '../../commands/vendorPush.ts';
import { vendorName } from '../views/vendor.ts';
import { runAs, type ApiDependencies } from '../context.ts';
import { idIn, meantIn } from './address.ts';
import { jsonOf, VendorApiError, wrapped, type VendorApiEnv, type VendorContext } from './responses.ts';
import { categories, subcategories } from './categories.ts';
import { fieldsOf, givenText, oneOf, optionalName, optionalText, requiredText, type Fields } from './fields.ts';

const profileFields = ['name', 'description', 'vendorSupportPageUrl', 'integrationPortalUrl'] as const;

export const vendorRoutes = new Hono<VendorApiEnv>();

/** Runs a command as the vendor whose key came with the request. */
export async function runAsVendor<Input, Changed>(
  c: VendorContext,
  command: Command<Input & { integration: IntegrationRow }, Changed>,
  input: Input,
) {
  const integration = c.get('integration');
  return runAs(c.get('deps'), vendorActor(integration), command, { ...input, integration });
}

vendorRoutes.get('/', async (c) => wrapped(c, await vendorData(c, c.get('integration')), 'Vendor found'));

vendorRoutes.patch('/', async (c) => {
  const row = c.get('integration');
  const fields = fieldsOf(await jsonOf(c));
  const change = Object.fromEntries(
    profileFields.flatMap((name) => {
      const value = name === 'name' ? optionalName(fields, name) : optionalText(fields, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const wantsAlerts = modulesOf(fields).includes('alerts');
  if (Object.keys(change).length === 0 && !wantsAlerts)
    throw new VendorApiError(400, `At least one of these is needed: ${profileFields.join(', ')}`);
  if (wantsAlerts && c.get('deps').environment.MIGRATION_SIGNAL !== 'none') await migrate(c.get('deps'), row);
  if (Object.keys(change).length === 0)
    return wrapped(c, await vendorData(c, await readIntegration(c.get('deps').db, row.id)), 'Vendor updated');
  const { vendorProfile } = await runAsVendor(c, changeVendorProfile, { change });
  return wrapped(c, await vendorData(c, { ...row, vendorProfile }), 'Vendor updated');
});

/** Reads `modules: [{variation}]`, as route 3 shows them. With `alerts` among them a vendor requests the migration (_chosen_). */
function modulesOf(fields: Fields): unknown[] {
  const { modules } = fields;
  if (modules === undefined || modules === null) return [];
  if (!Array.isArray(modules)) throw new VendorApiError(400, 'modules must be an array');
  return modules.map((module) => fieldsOf(module)['variation']);
}

/**
 * Begins the migration after *Migrate to Alerts* was pressed in the vendor's console.
 *
 * @throws VendorApiError while the integration is still being connected
 */
export async function migrate(deps: ApiDependencies, row: IntegrationRow): Promise<void> {
  if (row.modules.includes('alerts')) return;
  await runAs(deps, vendorActor(row), requestMigration, { integration: row }).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'not-connected-yet')
      throw new VendorApiError(409, 'The integration is still being connected; finish that first');
    // Else somebody else has just asked for the migration.
  });
}

/** The answer is bare, unlike route 3: the new SKU is in the root's `skus` (a client in production reads it there). */
vendorRoutes.post('/service', async (c) => {
  const row = c.get('integration');
  const fields = fieldsOf(await jsonOf(c));
  const name = requiredText(fields, 'name', 200);
  const sku = {
    id: isVendor(row.vendor) ? vendors[row.vendor].serviceIdOf(name) : name,
    name,
    description: givenText(fields, 'description'),
    category: oneOf(fields, 'category', categories),
    subcategory: oneOf(fields, 'subcategory', subcategories),
    supportArticle: optionalText(fields, 'supportArticle'),
    supportContact: optionalText(fields, 'supportContact'),
  };
  await runAsVendor(c, putService, { sku });
  return c.json(await vendorData(c, row), 201);
});

vendorRoutes.get('/service/:serviceId{.+}', async (c) =>
  wrapped(c, await vendorWithService(c, idIn(c, '/service/')), 'Service found'),
);

/** Only the 2023 client sends this request, without a body, so nothing is changed. */
vendorRoutes.patch('/service/:serviceId{.+}', async (c) =>
  wrapped(c, await vendorWithService(c, idIn(c, '/service/')), 'Service updated'),
);

async function vendorWithService(c: VendorContext, asked: IdReadings) {
  const row = c.get('integration');
  const skus = await listPushedServices(c.get('deps').db, row.id, { dynamic: false });
  const found = meantIn(
    asked,
    skus.map(({ service, givenId }) => ({ id: service.id, givenId, name: service.name })),
  );
  if (!found) throw new VendorApiError(404, `No service found with id: ${asked.readings[0]}`);
  return vendorData(c, row, found.id);
}

/** @param only the id of the only SKU to show; absent = all */
async function vendorData(c: VendorContext, row: IntegrationRow, only?: string) {
  const rows = await listPushedServices(c.get('deps').db, row.id, {
    dynamic: false,
    ids: only === undefined ? undefined : [only],
  });
  const { vendorProfile: profile } = row;
  // The catalogue's own ids are well known, and safe in a URL.
  const catalogued = new Set(isVendor(row.vendor) ? vendors[row.vendor].services.map((each) => each.id) : []);
  return {
    _id: row.vendor,
    id: row.vendor,
    name: profile.name ?? vendorName(row.vendor, c.get('deps').environment),
    description: profile.description ?? '',
    integrationType: 'custom',
    skus: rows.map(({ service, givenId }) => ({
      _id: catalogued.has(service.id) ? service.id : givenId,
      id: catalogued.has(service.id) ? service.id : givenId,
      name: service.name,
      description: service.description,
      category: service.category ?? 'other',
      subcategory: service.subcategory ?? 'other',
      ...(service.supportArticle === null ? {} : { supportArticle: service.supportArticle }),
      ...(service.supportContact === null ? {} : { supportContact: service.supportContact }),
    })),
    isDistributor: false,
    ...(profile.integrationPortalUrl === undefined ? {} : { integrationPortalUrl: profile.integrationPortalUrl }),
    ...(profile.vendorSupportPageUrl === undefined ? {} : { vendorSupportPageUrl: profile.vendorSupportPageUrl }),
    externalIntegrationStatus: 'notIntegrated',
    mappingResponsibilities: ['accounts', 'services'],
    modules: row.modules.map((variation) => ({ variation })),
    organizationId: row.organizationId,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.createdAt.toISOString(),
  };
}
