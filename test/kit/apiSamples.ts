/**
 * A good request for every operation. The security, audit and fuzz tests are generated from the contract and send these
 * requests, so a new route without a sample fails them.
 */
import { randomUUID } from 'node:crypto';
import {
  block,
  blockRefresh,
  freshCard,
  mapOne,
  numbers,
  seedAlert,
  seedAlerting,
  seedApproval,
  seedHeldRefresh,
  seedHeldRun,
  seedIntegration,
  seedOnboarding,
  seedPreview,
  seedPush,
  seen,
  service,
  stepsBefore,
  type Tenant,
} from './apiTenant.ts';
import { accountVersion, decideAccounts } from '../../commands/accountMapping.ts';
import { invite } from '../../commands/invitation.ts';
import { importMappings } from '../../commands/mappingFile.ts';
import { serviceVersion, viewServices } from '../../commands/serviceMapping.ts';
import { listApprovalLines } from '../../db/queries/approvals.ts';
import { disconnectIntegration, readIntegration } from '../../db/queries/integration.ts';
import { insertToken } from '../../db/queries/organization.ts';
import { requestMigration } from '../../commands/migration.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import type { Route } from './apiContract.ts';
import { seedPerson } from './people.ts';

export interface Sample {
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
}

type Make = (tenant: Tenant) => Promise<Sample> | Sample;

const connection: Make = (tenant) => ({ params: { id: tenant.psaConnectionId } });
const integration: Make = (tenant) => ({ params: { id: tenant.integrationId } });
const mappedAccount: Make = (tenant) => ({ params: { id: tenant.integrationId, accountId: tenant.vendorAccount(1) } });
/** The query with the version of the customer that `mapped` has mapped. */
const seenAccount = (tenant: Tenant) =>
  `seen=${accountVersion({ excluded: false, psaAccountId: tenant.psaAccount(1) })}`;
/** A new integration with one mapped customer. */
const mapped = async (tenant: Tenant) => {
  const id = await seedIntegration(tenant, stepsBefore('mapAccounts'));
  await mapOne(tenant, id);
  return { id, accountId: tenant.vendorAccount(1) };
};
const someMember = async ({ db, organizationId }: Tenant) => {
  const { id } = await seedPerson(db, organizationId, 'operator');
  return { id };
};
const card: Make = async (tenant) => ({ params: { id: (await freshCard(tenant)).id } });

export const psaCredentials = {
  kind: 'connectwise',
  credentials: { site: 'na.myconnectwise.net', companyId: 'acme', publicKey: 'public', privateKey: 'private' },
};
export const vendorCredentials = { resellerId: '500', apiKey: 'another-good-key' };

export const samples: Record<string, Make> = {
  getMe: () => ({}),
  listPsas: () => ({}),
  listVendors: () => ({}),
  listAudit: () => ({}),
  exportAudit: () => ({ query: 'by=person' }),
  listMembers: () => ({}),
  exportMembers: () => ({}),
  changeMember: async (tenant) => ({ params: await someMember(tenant), body: { role: 'viewer' } }),
  removeMember: async (tenant) => ({ params: await someMember(tenant) }),
  listInvitations: () => ({}),
  exportInvitations: () => ({}),
  createInvitation: () => ({ body: { email: 'new@example.com', role: 'operator' } }),
  withdrawInvitation: async ({ db, organizationId }) => {
    const actor = { organizationId, name: 'test' };
    const invitee = { email: `${randomUUID()}@example.com`, role: 'viewer' as const };
    return { params: { id: (await db.transaction((tx) => invite(tx, actor, invitee))).invitation.id } };
  },

  listTokens: () => ({}),
  exportTokens: () => ({}),
  createToken: () => ({ body: { name: 'Nightly export', scope: 'read', lifeDays: 30 } }),
  revokeToken: async ({ db, organizationId }) => {
    const token = { name: 'to revoke', secret: randomUUID(), scopes: ['read'] };
    return { params: { id: await insertToken(db, organizationId, token) } };
  },

  createPsaConnection: () => ({ body: { ...psaCredentials, name: 'Another PSA' } }),
  listPsaConnections: () => ({}),
  getPsaConnection: connection,
  putPsaCredentials: (tenant) => ({ params: { id: tenant.psaConnectionId }, body: psaCredentials }),
  checkPsaConnection: connection,
  acceptIncompletePsa: async (tenant) => {
    await blockRefresh(tenant, 'contradictory');
    return { params: { id: tenant.psaConnectionId } };
  },
  releasePsaRefresh: async (tenant) => ({
    params: { id: tenant.psaConnectionId, refreshId: await seedHeldRefresh(tenant) },
  }),
  discardPsaRefresh: async (tenant) => ({
    params: { id: tenant.psaConnectionId, refreshId: await seedHeldRefresh(tenant) },
  }),
  putPsaWrites: (tenant) => ({ params: { id: tenant.psaConnectionId }, body: { enabled: true } }),
  putPsaSettings: (tenant) => ({ params: { id: tenant.psaConnectionId }, body: { quantityDecimals: 2 } }),
  listBoards: connection,
  listPsaAccounts: connection,
  listPsaProducts: connection,
  listPriorities: connection,
  listTicketFields: connection,

  createIntegration: (tenant) => ({
    body: {
      vendor: 'mailprotector',
      psaConnectionId: tenant.psaConnectionId,
      intake: 'pull',
      modules: ['billing'],
      viaVirtualAdministrator: false,
    },
  }),
  listIntegrations: () => ({}),
  getIntegration: integration,
  putVendorCredentials: (tenant) => ({ params: { id: tenant.integrationId }, body: vendorCredentials }),
  getIntake: integration,
  exportRefusedPosts: integration,
  setIntake: async (tenant) => ({
    params: { id: await seedIntegration(tenant, stepsOf.connect) },
    body: { intake: 'push' },
  }),
  disconnectIntegration: async (tenant) => ({ params: { id: await seedIntegration(tenant, []) } }),
  reconnectIntegration: async (tenant) => {
    const id = await seedIntegration(tenant, stepsOf.connect);
    await disconnectIntegration(tenant.db, id);
    return { params: { id } };
  },
  rotateIntegrationKey: async (tenant) => ({ params: { id: (await seedPush(tenant)).id }, body: { overlapHours: 1 } }),
  listIntegrationKeys: async (tenant) => ({ params: { id: (await seedPush(tenant)).id } }),
  revokeIntegrationKey: async (tenant) => ({ params: { ...(await seedPush(tenant)) } }),
  listHealth: () => ({}),
  getHealth: integration,
  followOrganization: () => ({ query: 'once=true' }),
  listCustomers: integration,
  linkCustomers: async (tenant) => ({
    params: { id: await seedIntegration(tenant, stepsBefore('linkCustomers')) },
    body: { ids: [tenant.vendorAccount(numbers.notLinked)] },
  }),

  listAccounts: integration,
  getAccount: mappedAccount,
  listSuggestions: mappedAccount,
  listMappingTargets: integration,
  getMappingProgress: integration,
  previewServiceMapping: (tenant) => ({
    params: { id: tenant.integrationId, serviceId: service },
    query: `productId=${tenant.product('other')}`,
  }),
  exportMappings: integration,
  importMappings: async (tenant) => {
    const { id, accountId } = await mapped(tenant);
    const csv = `kind,id,mappedTo\naccount,${accountId},\n`;
    const actor = { organizationId: tenant.organizationId, name: 'test' };
    const { version } = await tenant.db.transaction(async (tx) =>
      importMappings(tx, actor, { integration: await readIntegration(tx, id), csv, seen: undefined }),
    );
    return { params: { id }, query: `seen=${version}`, body: { csv, apply: true } };
  },
  putAccountMapping: async (tenant) => ({
    params: { id: await seedIntegration(tenant, stepsBefore('mapAccounts')), accountId: tenant.vendorAccount(1) },
    query: `seen=${accountVersion({ excluded: false, psaAccountId: null })}`,
    body: { psaAccountId: tenant.psaAccount(2) },
  }),
  deleteAccountMapping: async (tenant) => ({ params: await mapped(tenant), query: seenAccount(tenant) }),
  putExclusion: async (tenant) => ({ params: await mapped(tenant), query: seenAccount(tenant) }),
  deleteExclusion: async (tenant) => {
    const { id, accountId } = await mapped(tenant);
    const row = await readIntegration(tenant.db, id);
    const decisions = [{ vendorAccountId: accountId, excluded: true, psaAccountId: null }];
    const actor = { organizationId: row.organizationId, name: 'test' };
    await tenant.db.transaction((tx) => decideAccounts(tx, actor, { integration: row, how: 'person', decisions }));
    return { params: { id, accountId } };
  },
  listOnboardings: () => ({ query: 'limit=5' }),
  exportOnboardings: () => ({}),
  getOnboarding: async (tenant) => ({ params: await seedOnboarding(tenant) }),
  retryOnboarding: async (tenant) => {
    const { id, accountId } = await seedOnboarding(tenant);
    const process = { kind: 'onboardCustomer', id: `${id}/${accountId}` } as const;
    await block(tenant, { ...process, round: '1', step: 'mapCustomer' }, 'not_mapped');
    return { params: { id, accountId } };
  },
  acceptIncompleteOnboarding: async (tenant) => {
    const { id, accountId } = await seedOnboarding(tenant);
    const process = { kind: 'onboardCustomer', id: `${id}/${accountId}` } as const;
    await block(tenant, { ...process, round: '1', step: 'pullCustomer' }, 'incomplete');
    return { params: { id, accountId } };
  },
  listServices: integration,
  getService: (tenant) => ({ params: { id: tenant.integrationId, serviceId: service } }),
  putServiceMapping: async (tenant) => ({
    params: { id: await seedIntegration(tenant, stepsBefore('mapServices')), serviceId: service },
    query: `seen=${serviceVersion({ mapping: null, combine: {} })}`,
    body: { productIds: [tenant.product('other')] },
  }),
  deleteServiceMapping: async (tenant) => {
    const id = await seedIntegration(tenant, stepsBefore('mapServices'));
    await mapOne(tenant, id);
    const services = await viewServices(tenant.db, await readIntegration(tenant.db, id));
    const seen = services.find((each) => each.id === service)?.version ?? '';
    return { params: { id, serviceId: service }, query: `seen=${seen}` };
  },

  completeStep: async (tenant) => {
    const { id } = await mapped(tenant);
    return { params: { id, step: 'mapAccounts' } };
  },
  acceptIncomplete: async (tenant) => {
    const id = await seedIntegration(tenant, stepsBefore('verifyCredentials'));
    await block(tenant, { kind: 'connect', id, round: '1', step: 'verifyCredentials' }, 'contradictory');
    return { params: { id, step: 'verifyCredentials' } };
  },
  retryStep: async (tenant) => {
    const id = await seedIntegration(tenant, stepsBefore('verifyCredentials'));
    await block(tenant, { kind: 'connect', id, round: '1', step: 'verifyCredentials' });
    return { params: { id, step: 'verifyCredentials' } };
  },

  getSchedule: integration,
  putSchedule: (tenant) => ({
    params: { id: tenant.integrationId },
    body: { choice: { every: 'month', on: 'last' }, timeZone: 'Europe/Berlin' },
  }),

  getReminders: integration,
  putReminders: (tenant) => ({
    params: { id: tenant.integrationId },
    body: { everyMinutes: 60, escalateAfterMinutes: 120 },
  }),

  requestSync: integration,
  listSyncs: integration,
  exportSyncs: integration,
  getSync: async (tenant) => ({ params: { id: await seedHeldRun(tenant) } }),
  listSyncChanges: async (tenant) => ({ params: { id: await seedHeldRun(tenant) } }),
  exportSyncChanges: async (tenant) => ({ params: { id: await seedHeldRun(tenant) } }),
  followSync: async (tenant) => ({ params: { id: await seedHeldRun(tenant) } }),
  releaseSync: async (tenant) => ({ params: { id: await seedHeldRun(tenant) } }),
  discardSync: async (tenant) => ({ params: { id: await seedHeldRun(tenant) } }),

  listCards: () => ({ query: 'limit=5' }),
  exportCards: () => ({}),
  listCardGroups: () => ({ query: 'by=account&limit=5' }),
  exportCardGroups: () => ({ query: 'by=account' }),
  countCards: () => ({ query: 'search=company' }),
  getSummary: () => ({}),
  getCard: card,
  dismissCards: async (tenant) => ({
    body: { cardIds: [(await freshCard(tenant)).id], reason: 'Asked the customer' },
  }),
  reviewCard: async (tenant) => {
    const { id, write } = await freshCard(tenant);
    return { params: { id }, body: { seen: { target: write.newQuantity, current: write.line.quantity } } };
  },
  dismissCard: async (tenant) => ({ ...(await card(tenant)), body: { reason: 'Asked the customer' } }),
  undismissCard: card,
  putCardLine: async (tenant) => {
    const { id, write } = await freshCard(tenant);
    return { params: { id }, body: { lineId: write.line.lineId } };
  },
  deleteCardLine: card,
  putCardRule: async (tenant) => ({ ...(await card(tenant)), body: { rule: { minimum: 3, reason: 'Contract' } } }),
  deleteCardRule: card,

  checkPermissions: async (tenant) => ({ params: { id: await seedAlerting(tenant) } }),
  putBoard: async (tenant) => ({
    params: { id: await seedAlerting(tenant) },
    body: { boardId: `${tenant.prefix}-board` },
  }),
  getAlertSettings: integration,
  putAlertSettings: async (tenant) => ({
    params: { id: await seedAlerting(tenant) },
    body: { summary: '[Mail] {title}', storm: { most: 5 } },
  }),
  previewAlert: (tenant) => ({ params: { id: tenant.integrationId }, query: 'title=Mail+is+delayed&priority=4' }),
  listAlerts: () => ({ query: 'limit=5' }),
  exportAlerts: () => ({}),
  getAlert: async (tenant) => ({ params: { id: await seedAlert(tenant, 'waiting') } }),
  retryAlert: async (tenant) => ({ params: { id: await seedAlert(tenant, 'dead') } }),
  dismissAlert: async (tenant) => ({
    params: { id: await seedAlert(tenant, 'parked') },
    body: { reason: 'Planned maintenance' },
  }),
  sendTestAlert: async (tenant) => ({
    params: { id: await seedAlerting(tenant) },
    body: { accountId: tenant.vendorAccount(1) },
  }),
  migrateToAlerts: async (tenant) => ({ params: { id: await seedIntegration(tenant, stepsOf.connect) } }),
  abandonMigration: async (tenant) => {
    const id = await seedIntegration(tenant, stepsOf.connect);
    const { organizationId } = tenant;
    const actor = { organizationId, name: 'test' };
    await tenant.db.transaction((tx) => requestMigration(tx, actor, { integration: { id, organizationId } }));
    return { params: { id } };
  },

  listApprovals: () => ({}),
  exportApprovals: () => ({}),
  getMonthEnd: () => ({}),
  listMonthEndCustomers: () => ({}),
  exportMonthEndCustomers: () => ({}),
  listMonthEndLines: () => ({}),
  listUnbilledUsage: () => ({}),
  exportUnbilledUsage: () => ({}),
  exportMonthEndLines: () => ({ query: 'part=untouched' }),
  createApprovalPreview: (tenant) => ({ body: { psaConnectionId: tenant.psaConnectionId } }),
  getApprovalPreview: async (tenant) => ({ params: { id: await seedPreview(tenant) } }),
  listApprovalPreviewLines: async (tenant) => ({ params: { id: await seedPreview(tenant) } }),
  exportApprovalPreviewLines: async (tenant) => ({ params: { id: await seedPreview(tenant) } }),
  createApproval: async (tenant) => ({ body: { cards: [seen(await freshCard(tenant))] } }),
  getApproval: async (tenant) => ({ params: { id: await seedApproval(tenant) } }),
  listApprovalLines: async (tenant) => ({ params: { id: await seedApproval(tenant) } }),
  exportApprovalLines: async (tenant) => ({ params: { id: await seedApproval(tenant) } }),
  listSkippedCards: async (tenant) => ({ params: { id: await seedApproval(tenant) } }),
  withdrawApproval: async (tenant) => ({ params: { id: await seedApproval(tenant, 'todo') } }),
  withdrawApprovalLine: async (tenant) => {
    const id = await seedApproval(tenant, 'todo');
    const [line] = await listApprovalLines(tenant.db, id, { limit: 1 });
    return { params: { id, lineId: line?.id ?? '' } };
  },
  settleApprovalLine: async (tenant) => {
    const id = await seedApproval(tenant, 'asked');
    const [line] = await listApprovalLines(tenant.db, id, { limit: 1 });
    return { params: { id, lineId: line?.id ?? '' }, body: { quantity: line?.to ?? 0 } };
  },
  getApprovalUndo: async (tenant) => ({ params: { id: await seedApproval(tenant, 'applied') } }),
  undoApproval: async (tenant) => ({ params: { id: await seedApproval(tenant, 'applied') } }),
  retryApproval: async (tenant) => {
    const id = await seedApproval(tenant);
    await block(tenant, { kind: 'approveUsage', id, round: '1', step: 'write' });
    return { params: { id } };
  },
};

/** @throws Error for an operation without a sample; add one above for a new route */
export async function sampleOf(route: Route, tenant: Tenant): Promise<Sample> {
  const make = samples[route.operation.operationId];
  if (!make) throw new Error(`test/kit/apiSamples.ts has no sample for ${route.operation.operationId}.`);
  return make(tenant);
}

/** The address of a route, with the ids and the query of a sample. */
export function addressOf(route: Route, sample: Sample): string {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(sample.params?.[name] ?? ''),
  );
  return sample.query ? `${path}?${sample.query}` : path;
}

/** An id of the same shape that nobody has. */
export function nobodys(id: string): string {
  return /^[\da-f]{8}-[\da-f-]{27}$/.test(id) ? randomUUID() : `nobodys-${id.length}`;
}

/** Operations that need only `read`, though they are a POST: nothing is changed by them. */
export const onlyShown = ['previewAlert'];
