/** Seeds an organization with rows of every kind that a route may concern, through the query modules. */
import { randomBytes, randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import type { Scope } from '../../api/context.ts';
import type { Database } from '../../db/client.ts';
import type { Encryption } from '../../db/encryption.ts';
import { beginBatch, insertBatch, listApprovalLines } from '../../db/queries/approvals.ts';
import { storePreview } from '../../db/queries/approvalPreviews.ts';
import { judgeCards, storeSignOff, type SeenCard } from '../../db/queries/signOff.ts';
import { keepAlert, moveAlert } from '../../db/queries/alerts.ts';
import { listCards } from '../../db/queries/cardList.ts';
import { recomputeIntegration } from '../../db/queries/cards.ts';
import {
  insertIntegration,
  linkVendorAccounts,
  readIntegration,
  storeAlertSettings,
  storeVendorAccounts,
  storeVendorCredentials,
} from '../../db/queries/integration.ts';
import { insertAccountMappings, storeServiceMapping } from './mappings.ts';
import { closeApproval, recordOutcome } from '../../commands/approvalOutcome.ts';
import { beginOnboardings } from '../../commands/onboarding.ts';
import { startFound } from '../../commands/startOnboardings.ts';
import { insertIntegrationKey } from '../../db/queries/push.ts';
import { insertOrganization, insertToken } from '../../db/queries/organization.ts';
import { blockStep, finishStep, reopenSteps, type StepKey } from '../../db/queries/process.ts';
import { applyPsaRows } from '../../db/queries/psa.ts';
import {
  claimRefresh,
  closeRefresh,
  insertPsaConnection,
  requestRefresh,
  storeAlertPermissions,
} from '../../db/queries/psaConnection.ts';
import { stageRows } from '../../db/queries/staging.ts';
import { claimSyncRun, insertSyncRequest, updateRun } from '../../db/queries/sync.ts';
import { applyUsage } from '../../db/queries/usage.ts';
import { apiToken } from '../../db/schema/index.ts';
import { needsAnswer } from '../../domain/settling.ts';
import type { AlertState } from '../../domain/transitions.ts';
import type { AlertReason, AlertSettings, TicketOptions } from '../../domain/alerts.ts';
import { stepsOf, type StepOf } from '../../domain/process/steps.ts';
import type { Card } from '../../domain/reconcile.ts';
import { vendors } from '../../connectors/registry.ts';

export interface Tenant {
  organizationId: string;
  /** Tokens by scope; `none` has no scope, `revoked` was revoked. */
  tokens: Record<Scope | 'none' | 'revoked', string>;
  /** The id of the admin token, which is the actor in audit rows. */
  adminTokenId: string;
  /** The prefix of all ids of outside systems, so that no two tenants have an id in common. */
  prefix: string;
  psaConnectionId: string;
  /** The id of a connected integration with counts, mappings and cards. */
  integrationId: string;
  db: Database;
  encryption: Encryption;
  /** The id of the PSA account with a number. The accounts 1 to `customers` are mapped and use more than they are billed. */
  psaAccount(n: number): string;
  vendorAccount(n: number): string;
  product(name: 'usual' | 'other' | 'inactive' | 'bundle'): string;
}

/** The number of mapped customers with one line each; `numbers` has further ones, with two lines, without a line, and so on. */
export const customers = 50;
export const numbers = {
  twoLines: customers + 1,
  noLine: customers + 2,
  unmapped: customers + 3,
  notLinked: customers + 4,
} as const;
export const service = 'CloudFilter';

export async function seedTenant(db: Database, encryption: Encryption, prefix: string): Promise<Tenant> {
  const organizationId = await insertOrganization(db, `MSP ${prefix}`);
  const { tokens, adminTokenId } = await seedTokens(db, organizationId);
  const tenant: Tenant = {
    organizationId,
    tokens,
    adminTokenId,
    prefix,
    psaConnectionId: randomUUID(),
    integrationId: '',
    db,
    encryption,
    psaAccount: (n) => `${prefix}-psa-${String(n).padStart(3, '0')}`,
    vendorAccount: (n) => `${prefix}-vendor-${String(n).padStart(3, '0')}`,
    product: (name) => `${prefix}-product-${name}`,
  };
  await seedPsa(tenant);
  tenant.integrationId = await seedIntegration(tenant, stepsOf.connect);
  await db.transaction(async (tx) => {
    const mapped = [...Array.from({ length: customers }, (_, at) => at + 1), numbers.twoLines, numbers.noLine];
    const mappings = mapped.map((n) => ({
      vendorAccountId: tenant.vendorAccount(n),
      psaAccountId: tenant.psaAccount(n),
    }));
    await insertAccountMappings(tx, tenant.integrationId, mappings, 'person');
    await storeServiceMapping(tx, tenant.integrationId, service, {
      productIds: [tenant.product('usual')],
      fanOut: 'parts',
      rounding: 'none',
    });
  });
  const runId = await seedRun(tenant);
  await db.transaction(async (tx) => {
    await stageRows(
      tx,
      runId,
      'count',
      Array.from({ length: numbers.unmapped }, (_, at) => ({
        id: `${at}`,
        data: { accountId: tenant.vendorAccount(at + 1), service, quantity: 10 + at, parts: [] },
      })),
    );
    await applyUsage(tx, tenant.integrationId, runId, []);
    await recomputeIntegration(tx, tenant.integrationId);
    await updateRun(tx, runId, { state: 'applied', finished: true, figures: { accounts: customers } });
  });
  return tenant;
}

async function seedTokens(db: Database, organizationId: string) {
  const tokens: Record<string, string> = {};
  let adminTokenId = '';
  for (const name of ['none', 'read', 'operate', 'admin', 'revoked']) {
    const secret = `cs_${randomBytes(32).toString('base64url')}`;
    const scopes = name === 'none' ? [] : name === 'revoked' ? ['admin'] : [name];
    const id = await insertToken(db, organizationId, { name, secret, scopes });
    tokens[name] = secret;
    if (name === 'admin') adminTokenId = id;
    if (name === 'revoked') {
      await db
        .update(apiToken)
        .set({ revokedAt: sql`now()` })
        .where(eq(apiToken.id, id));
    }
  }
  return { tokens: tokens as Tenant['tokens'], adminTokenId };
}

function ticketOptionsOf(prefix: string): TicketOptions {
  const board = { id: `${prefix}-board`, name: 'Service', projectBoard: false, active: true };
  const status = { id: `${prefix}-new`, name: 'New', closed: false, active: true, isDefault: true };
  return {
    boards: [
      {
        ...board,
        statuses: [
          status,
          { ...status, id: `${prefix}-closed`, name: 'Closed', closed: true, isDefault: false },
          { ...status, id: `${prefix}-retired`, name: 'Retired', active: false, isDefault: false },
        ],
        types: [{ id: `${prefix}-mail`, name: 'E-mail', active: true }],
      },
      { ...board, id: `${prefix}-old`, name: 'Old', active: false, statuses: [], types: [] },
      { ...board, id: `${prefix}-project`, name: 'Projects', projectBoard: true, statuses: [], types: [] },
    ],
    priorities: [
      { id: `${prefix}-high`, name: 'High', isDefault: false },
      { id: `${prefix}-low`, name: 'Low', isDefault: true },
    ],
    fields: { ticketSource: [{ id: `${prefix}-mail`, name: 'E-mail' }] },
  };
}

async function seedPsa(tenant: Tenant): Promise<void> {
  const { db, psaConnectionId: id } = tenant;
  await db.transaction(async (tx) => {
    const credentials = tenant.encryption.encrypt({ site: 'na.myconnectwise.net' }, id);
    await insertPsaConnection(tx, tenant.organizationId, {
      id,
      kind: 'connectwise',
      name: 'PSA',
      settings: {},
      credentials,
    });
    await requestRefresh(tx, id);
    await storeAlertPermissions(tx, id, { ticketOptions: ticketOptionsOf(tenant.prefix) });
  });
  const refreshId = (await claimRefresh(db, { kind: 'refreshPsa', id })) ?? '';
  const numbered = Array.from({ length: numbers.notLinked }, (_, at) => at + 1);
  const line = (n: number, which: string) => ({
    id: `${tenant.prefix}-line-${n}${which}`,
    data: {
      agreement_id: `${tenant.prefix}-agreement-${n}`,
      product_id: tenant.product('usual'),
      description: null,
      quantity: 5,
      included_quantity: 0,
      unit_price: 2.5,
      billing: 'billable',
      effective_from: null,
      effective_to: null,
      status: 'active',
      version: '1',
    },
  });
  await db.transaction(async (tx) => {
    const product = (name: 'usual' | 'other' | 'inactive' | 'bundle') => ({
      id: tenant.product(name),
      data: {
        product_id: `MP-${name}`,
        name: `Product ${name}`,
        active: name !== 'inactive',
        recurring: true,
        usable_on_contract: name !== 'bundle',
      },
    });
    await stageRows(
      tx,
      refreshId,
      'psa_account',
      numbered.map((n) => ({
        id: tenant.psaAccount(n),
        // Some accounts share a name, so that an order by name has to use the id, too.
        data: { code: `C${n}`, name: `Company ${n % 7}`, active: true, prospect: false },
      })),
    );
    await stageRows(tx, refreshId, 'psa_product', (['usual', 'other', 'inactive', 'bundle'] as const).map(product));
    await stageRows(tx, refreshId, 'psa_board', [
      { id: `${tenant.prefix}-board`, data: { name: 'Service', project_board: false, active: true } },
    ]);
    await stageRows(
      tx,
      refreshId,
      'agreement',
      numbered.map((n) => ({
        id: `${tenant.prefix}-agreement-${n}`,
        data: {
          account_id: tenant.psaAccount(n),
          name: `Agreement ${n}`,
          status: 'active',
          next_invoice_date: '2099-01-01',
          start_date: '2020-01-01',
          end_date: null,
          billing_cycle: 'Monthly',
          monthly: true,
          never_billed: false,
          currency: 'USD',
        },
      })),
    );
    const billed = numbered.filter((n) => n !== numbers.noLine);
    await stageRows(tx, refreshId, 'agreement_line', [
      ...billed.map((n) => line(n, '')),
      line(numbers.twoLines, '-second'),
    ]);
    const figures = await applyPsaRows(tx, id, refreshId);
    await closeRefresh(tx, refreshId, figures);
    for (const step of stepsOf.refreshPsa) await finishStep(tx, { kind: 'refreshPsa', id, round: refreshId, step });
  });
}

/** Seeds an integration whose connect process has the `done` steps behind it; its customers are listed, and all but one linked. */
export async function seedIntegration(
  tenant: Tenant,
  done: readonly StepOf<'connect'>[],
  modules: ('billing' | 'alerts')[] = ['billing'],
): Promise<string> {
  return tenant.db.transaction(async (tx) => {
    const { id } = await insertIntegration(tx, tenant.organizationId, {
      psaConnectionId: tenant.psaConnectionId,
      vendor: 'mailprotector',
      intake: 'pull',
      modules,
      settings: {},
      services: vendors.mailprotector.services,
    });
    await storeVendorCredentials(tx, id, {
      expireOn: null,
      credentials: tenant.encryption.encrypt({ resellerId: '500', apiKey: 'seeded-key' }, id),
      settings: { resellerId: '500' },
    });
    const accounts = Array.from({ length: numbers.notLinked }, (_, at) => ({
      id: tenant.vendorAccount(at + 1),
      name: `Customer ${at + 1}`,
    }));
    await storeVendorAccounts(tx, id, accounts);
    await linkVendorAccounts(
      tx,
      id,
      accounts.slice(0, -1).map((account) => account.id),
    );
    for (const step of done) await finishStep(tx, { kind: 'connect', id, round: '1', step });
    return id;
  });
}

/** Seeds a connected integration with alerts, one mapped customer, and (unless `settings` say otherwise) a board. */
export async function seedAlerting(tenant: Tenant, settings: Partial<AlertSettings> = {}): Promise<string> {
  const id = await seedIntegration(tenant, stepsOf.connect, ['billing', 'alerts']);
  await mapOne(tenant, id);
  await storeAlertSettings(tenant.db, id, { board: boardOf(tenant), ...settings });
  return id;
}

const boardOf = (tenant: Tenant) => ({
  boardId: `${tenant.prefix}-board`,
  statusId: `${tenant.prefix}-new`,
  typeId: null,
  priorities: {
    1: `${tenant.prefix}-low`,
    2: `${tenant.prefix}-low`,
    3: `${tenant.prefix}-high`,
    4: `${tenant.prefix}-high`,
  },
});

/** Seeds an alert of a mapped customer, in any state. */
export async function seedAlert(
  tenant: Tenant,
  state: AlertState,
  more: {
    integrationId?: string;
    alertId?: string;
    accountId?: string;
    reason?: AlertReason;
  } = {},
): Promise<string> {
  const id = more.integrationId ?? (await seedAlerting(tenant));
  const words = { title: 'Mail is delayed', description: 'For 40 minutes.', priority: 3, status: 1 };
  const kept = await keepAlert(
    tenant.db,
    { id, organizationId: tenant.organizationId },
    {
      alertId: more.alertId ?? randomUUID(),
      source: 'vendor',
      vendorAccountId: more.accountId ?? tenant.vendorAccount(1),
      ...words,
    },
  );
  await moveAlert(tenant.db, kept.id, { from: ['parked', 'waiting'], to: state }, { reason: more.reason ?? null });
  return kept.id;
}

/** Seeds a new customer that waits for a person, in a new connected integration. @returns the ids of both */
export async function seedOnboarding(tenant: Tenant): Promise<{ id: string; accountId: string }> {
  const id = await seedIntegration(tenant, stepsOf.connect);
  const accountId = `${tenant.prefix}-new`;
  await tenant.db.transaction(async (tx) => {
    await storeVendorAccounts(tx, id, [{ id: accountId, name: `Customer of ${tenant.prefix}` }]);
    const row = await readIntegration(tx, id);
    await beginOnboardings(tx, row, [accountId], { by: 'sync' });
    await startFound(tx, row, { max: 10, times: { remindMs: 86_400_000, escalateMs: 604_800_000 } });
  });
  return { id, accountId };
}

/** Seeds an integration with intake push and one key. @returns the ids of both */
export async function seedPush(tenant: Tenant): Promise<{ id: string; keyId: string }> {
  return tenant.db.transaction(async (tx) => {
    const { id } = await insertIntegration(tx, tenant.organizationId, {
      psaConnectionId: tenant.psaConnectionId,
      vendor: 'mailprotector',
      intake: 'push',
      modules: ['billing'],
      settings: {},
      services: vendors.mailprotector.services,
    });
    const keyId = await insertIntegrationKey(tx, id, { secret: `csk_${randomUUID()}`, overlapMs: 0 });
    return { id, keyId };
  });
}

/** The steps of `connect` before the given one. */
export function stepsBefore(step: StepOf<'connect'>): StepOf<'connect'>[] {
  return stepsOf.connect.slice(0, stepsOf.connect.indexOf(step));
}

/** Maps one customer of an integration that has no mappings yet. */
export async function mapOne(tenant: Tenant, integrationId: string): Promise<void> {
  const mapping = { vendorAccountId: tenant.vendorAccount(1), psaAccountId: tenant.psaAccount(1) };
  await insertAccountMappings(tenant.db, integrationId, [mapping], 'person');
  await storeServiceMapping(tenant.db, integrationId, service, {
    productIds: [tenant.product('usual')],
    fanOut: 'parts',
    rounding: 'none',
  });
}

/** Seeds a run that is `running`. */
export async function seedRun(tenant: Tenant, integrationId = tenant.integrationId): Promise<string> {
  await insertSyncRequest(tenant.db, integrationId, { requestedBy: 'test' });
  return (await claimSyncRun(tenant.db, { kind: 'sync', id: integrationId })) ?? '';
}

export async function seedHeldRun(tenant: Tenant): Promise<string> {
  const runId = await seedRun(tenant);
  await stageRows(tenant.db, runId, 'count', [{ id: 'kept', data: { accountId: 'kept' } }]);
  const figures = { totalBefore: 0, totalAfter: 0, pairsBefore: 0, pairsAfter: 0 };
  const guard = { held: true, reasons: [], heldPairs: [], figures };
  await updateRun(tenant.db, runId, { state: 'held', finished: true, guard });
  return runId;
}

/** Blocks a step of a process's round. */
export async function block(tenant: Tenant, ref: StepKey, code = 'bad_credentials'): Promise<void> {
  await blockStep(tenant.db, ref, { code });
}

/** Seeds a refresh of the tenant's PSA that is blocked in its reading step. */
export async function blockRefresh(tenant: Tenant, code: string): Promise<void> {
  const process = { kind: 'refreshPsa', id: tenant.psaConnectionId } as const;
  await requestRefresh(tenant.db, process.id);
  const round = (await claimRefresh(tenant.db, process)) ?? '';
  // An earlier call may have blocked the step of the same round.
  await reopenSteps(tenant.db, { ...process, round, steps: ['pullPsa'] });
  await block(tenant, { ...process, round, step: 'pullPsa' }, code);
}

/** A card that can be signed off and was not yet in this test file. @param skip how many such cards to skip */
export async function freshCard(tenant: Tenant, skip = 0): Promise<{ id: string; write: NonNullable<Card['write']> }> {
  const rows = await listCards(
    tenant.db,
    tenant.organizationId,
    { bulkApprovable: true, dismissed: false },
    { limit: 500 },
  );
  const { rows: used } = await tenant.db.execute<{ card_id: string }>(sql`select card_id from approval_line`);
  const row = rows.filter((candidate) => !used.some((line) => line.card_id === candidate.card.id))[skip];
  const write = row?.card.detail.write;
  if (!row || !write) throw new Error('No card is left to sign off: seed more customers.');
  return { id: row.card.id, write };
}

/** The card as a person sees it, in the form that an approval takes. */
export function seen({ id, write }: { id: string; write: NonNullable<Card['write']> }): SeenCard {
  const { lineId, quantity, asOf } = write.line;
  return { cardId: id, lineId, from: quantity, to: write.newQuantity, effectiveDate: asOf };
}

/** Seeds an approval of one card, without the API. */
export async function seedApproval(
  tenant: Tenant,
  state: 'open' | 'todo' | 'asked' | 'applied' = 'open',
): Promise<string> {
  const card = await freshCard(tenant);
  const { psaConnectionId, organizationId } = tenant;
  const batch = await tenant.db.transaction(async (tx) => {
    const writesEnabled = state !== 'todo';
    const made = await insertBatch(tx, organizationId, { psaConnectionId, requestedBy: 'test', writesEnabled });
    const batchState = writesEnabled ? ('requested' as const) : ('todo' as const);
    await storeSignOff(
      tx,
      { ...made, state: batchState, leavesZero: false },
      judgeCards(psaConnectionId, [seen(card)]),
    );
    return beginBatch(tx, made);
  });
  if (state === 'asked') {
    const problem = JSON.stringify({ code: needsAnswer, detail: 'Look in the PSA.' });
    await tenant.db.execute(sql`
      update approval_line set state = 'uncertain', claims = 1, claimed_at = now(), problem = ${problem}::jsonb where batch_id = ${batch.id}`);
  }
  if (state !== 'applied') return batch.id;
  const actor = { organizationId, name: 'test' };
  for (const line of await listApprovalLines(tenant.db, batch.id, { limit: 10 })) {
    // Set directly, because a claim would require that writing is on.
    await tenant.db.execute(sql`update approval_line set state = 'writing', claims = 1 where id = ${line.id}`);
    const outcome = { state: 'applied' as const, quantity: line.to, version: '2' };
    const input = { psaConnectionId, line: { ...line, claims: 1 }, outcome };
    await tenant.db.transaction((tx) => recordOutcome(tx, actor, input));
  }
  await tenant.db.transaction((tx) => closeApproval(tx, actor, { id: batch.id }));
  return batch.id;
}

/** Seeds a preview of all cards that can be approved in bulk, without the API. @returns its id */
export async function seedPreview(tenant: Tenant): Promise<string> {
  const { psaConnectionId, organizationId } = tenant;
  const preview = { psaConnectionId, filter: {}, requestedBy: 'test', lifeMs: 3_600_000 };
  return (await tenant.db.transaction((tx) => storePreview(tx, organizationId, preview))).id;
}

/** Seeds a refresh that is held because the PSA gave far fewer rows than before. @returns its id */
export async function seedHeldRefresh({ db, psaConnectionId }: Tenant): Promise<string> {
  const guard = JSON.stringify({ before: { accounts: 40, lines: 90 }, after: { accounts: 3, lines: 8 } });
  const { rows } = await db.execute<{ id: string }>(sql`
    insert into psa_refresh (psa_connection_id, guard, held_at) values (${psaConnectionId}, ${guard}::jsonb, now()) returning id`);
  return rows[0]?.id ?? '';
}
