/** New customers: found, waiting to be mapped, or on their way to their first card (G37–G44). */
import { onboardingProcess } from '../../domain/process/ids.ts';
import { reminderTimesOf } from '../../domain/reminders.ts';
import { onboardingStates } from '../../domain/transitions.ts';
import { z } from '@hono/zod-openapi';
import { acceptIncomplete, connectionsOf, retryStep } from '../../commands/step.ts';
import { accountVersion } from '../../commands/accountMapping.ts';
import { createSuggester } from '../../domain/matching.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { findOnboarding, listOnboardings } from '../../db/queries/onboarding.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { listActivePsaAccountsOfMany } from '../../db/queries/psa.ts';
import { runCommand, type ApiDependencies, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  exampleVersion,
  isoDate,
  isoDateOrNull,
  jsonPlace,
  listOf,
  pageOf,
  pageQuery,
  route,
  send,
  versionSchema,
} from '../define.ts';
import { notFound } from '../problem.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';
import { exampleProcess, processSchema, processView } from '../views/process.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';
import { accountParam, apartSchema, createSuggestionViewer, suggestionSchema, vendorApart } from '../views/account.ts';

const tag = 'New customers';
const onboardingSchema = z
  .object({
    integrationId: z.uuid(),
    vendorAccountId: z.string(),
    name: z.string(),
    apart: apartSchema,
    state: z.enum(onboardingStates),
    /** A sync found it, the vendor sent it, or a person linked it. */
    foundBy: z.enum(['sync', 'vendor', 'person']),
    foundAt: isoDate,
    /** How many reminders there were that the customer is not mapped. */
    reminders: z.int(),
    remindedAt: isoDateOrNull,
    /** When somebody is reminded next; null = nobody is. */
    remindsAt: isoDateOrNull,
    /** When it becomes a problem that nobody has mapped it (`/v1/integrations/{id}/reminders`); null = it is one, or it does not wait. */
    escalatesAt: isoDateOrNull,
    /** Since when it has been a problem that the customer is not mapped; until it is, none of its usage is billed. */
    escalatedAt: isoDateOrNull,
    endedAt: isoDateOrNull,
    psaAccountId: z.string().nullable(),
    how: z.enum(['exact', 'person', 'vendor']).nullable(),
    version: versionSchema,
    /** For a customer that waits for a person: the nearest PSA names; shown, never applied. */
    suggestions: z.array(suggestionSchema),
  })
  .openapi('Onboarding');
const detailSchema = onboardingSchema
  .extend({
    /** Its steps; null before it has begun. A union for the reason given at `approvalSchema`. */
    process: z.union([processSchema, z.null()]),
  })
  .openapi('OnboardingDetail');

const exampleOnboarding = {
  integrationId: exampleIds.integration,
  vendorAccountId: '1041',
  name: 'Acme Dental West',
  apart: null,
  state: 'waiting' as const,
  foundBy: 'sync' as const,
  foundAt: '2026-11-25T03:30:40.000Z',
  reminders: 1,
  remindedAt: '2026-11-26T03:30:40.000Z',
  remindsAt: '2026-11-27T03:30:40.000Z',
  escalatesAt: '2026-12-02T03:30:40.000Z',
  escalatedAt: null,
  endedAt: null,
  psaAccountId: null,
  how: null,
  version: exampleVersion,
  suggestions: [
    { id: '250', name: 'Acme Dental (West)', score: 1, reason: 'the same but for spaces or signs', apart: null },
  ],
};
const exampleDetail = {
  ...exampleOnboarding,
  process: exampleProcess('onboardCustomer', `${exampleIds.integration}/1041`, 'detect', 'mapCustomer'),
};

const filterQuery = z.object({
  integrationId: z.uuid().optional(),
  state: z.enum(onboardingStates).optional(),
  /** Only those that have not ended. */
  open: z.enum(['true']).optional(),
  /** Only those of which it has become a problem that nobody has mapped them. */
  escalated: z.enum(['true']).optional(),
});

const list = route({
  method: 'get',
  path: '/v1/onboardings',
  operationId: 'listOnboardings',
  summary: 'New customers, the one that has waited longest first; map or exclude them like any account',
  tag,
  scope: 'read',
  request: { query: filterQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(onboardingSchema),
  example: { items: [exampleOnboarding], nextCursor: null },
  problems: {},
});
const sheet: Sheet<typeof onboardingSchema> = {
  item: onboardingSchema,
  columns: [
    ['integration', ({ integrationId }) => integrationId],
    ['customer id', ({ vendorAccountId }) => vendorAccountId],
    ['customer', ({ name }) => name],
    ['state', ({ state }) => state],
    ['found by', ({ foundBy }) => foundBy],
    ['found at', ({ foundAt }) => foundAt],
    ['reminders', ({ reminders }) => reminders],
    ['next reminder at', ({ remindsAt }) => remindsAt],
    ['a problem from', ({ escalatedAt, escalatesAt }) => escalatedAt ?? escalatesAt],
    ['nearest account', ({ suggestions }) => suggestions[0]?.name ?? null],
    ['mapped to', ({ psaAccountId }) => psaAccountId],
    ['mapped by', ({ how }) => how],
    ['ended at', ({ endedAt }) => endedAt],
  ],
};
const file = sheetRoute({
  path: '/v1/onboardings',
  operationId: 'exportOnboardings',
  summary: 'New customers as a CSV file',
  tag,
  request: { query: filterQuery },
  sheet,
  example: exampleOnboarding,
});
const get = route({
  method: 'get',
  path: '/v1/integrations/{id}/accounts/{accountId}/onboarding',
  operationId: 'getOnboarding',
  summary: 'One new customer with its steps',
  tag,
  scope: 'read',
  request: { params: accountParam },
  ok: 200,
  answer: detailSchema,
  example: exampleDetail,
  problems: {},
});
const retry = route({
  method: 'post',
  path: '/v1/integrations/{id}/accounts/{accountId}/onboarding/retry',
  operationId: 'retryOnboarding',
  summary: 'Retry the blocked step of a new customer now',
  tag,
  scope: 'operate',
  request: { params: accountParam },
  ok: 202,
  answer: detailSchema,
  example: exampleDetail,
  problems: { 409: ['disconnected', 'not-blocked'] },
});

const accept = route({
  method: 'post',
  path: '/v1/integrations/{id}/accounts/{accountId}/onboarding/accept-incomplete',
  operationId: 'acceptIncompleteOnboarding',
  summary: 'Accept the incomplete lists of a new customer, this once: they may only raise and add',
  tag,
  scope: 'operate',
  request: { params: accountParam },
  ok: 202,
  answer: detailSchema,
  example: exampleDetail,
  problems: { 409: ['disconnected', 'nothing-incomplete'] },
});

export const onboardingRoutes = createRouter();

const place = jsonPlace(z.object({ integrationId: z.uuid(), vendorAccountId: z.string().max(200) }));

onboardingRoutes.openapi(list, async (c) =>
  send(c, listOf(onboardingSchema), await pageOfOnboardings(c.var, c.req.valid('query'))),
);

onboardingRoutes.openapi(file, async (c) =>
  sendSheet(c, 'new-customers', sheet, (page) => pageOfOnboardings(c.var, { ...c.req.valid('query'), ...page })),
);

async function pageOfOnboardings(
  { deps, caller }: ApiEnv['Variables'],
  {
    limit,
    cursor,
    open,
    escalated,
    ...filter
  }: z.output<typeof filterQuery> & { limit: number; cursor?: string | undefined },
) {
  const after = decodeCursor(cursor, place);
  const rows = await listOnboardings(
    deps.db,
    caller.organizationId,
    { ...filter, open: open === 'true', escalated: escalated === 'true' },
    { after, limit: limit + 1 },
  );
  const page = pageOf(rows, limit, ({ onboarding: { integrationId, vendorAccountId } }) =>
    JSON.stringify({ integrationId, vendorAccountId }),
  );
  return { ...page, items: page.items.map(await createViewer(deps, page.items)) };
}

onboardingRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const row = await ownedIntegration(deps, c.get('caller'), id);
  return send(c, detailSchema, await detailOf(deps, row, accountId));
});

onboardingRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const row = await activeIntegration(deps, c.get('caller'), id);
  await detailOf(deps, row, accountId);
  await runCommand(c, retryStep, { ...stepOf(row, accountId), connections: connectionsOf(row) });
  return send(c, detailSchema, await detailOf(deps, row, accountId), 202);
});

onboardingRoutes.openapi(accept, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const row = await activeIntegration(deps, c.get('caller'), id);
  await detailOf(deps, row, accountId);
  await runCommand(c, acceptIncomplete, stepOf(row, accountId));
  return send(c, detailSchema, await detailOf(deps, row, accountId), 202);
});

/** Whichever step of a customer's onboarding is blocked. */
const stepOf = (row: IntegrationRow, accountId: string) => ({
  process: onboardingProcess(row, accountId),
  subject: { subjectKind: 'vendor_account', subjectId: `${row.id}/${accountId}` },
});

type Found = NonNullable<Awaited<ReturnType<typeof findOnboarding>>>;

async function detailOf(deps: ApiDependencies, row: IntegrationRow, vendorAccountId: string) {
  const found = await findOnboarding(deps.db, { integrationId: row.id, vendorAccountId });
  if (!found) throw notFound('onboarding of such a customer');
  const ref = onboardingProcess(row, vendorAccountId);
  const steps = await listSteps(deps.db, ref);
  return {
    ...(await createViewer(deps, [found]))(found),
    process: steps.length > 0 ? processView(deps, ref, steps) : null,
  };
}

/**
 * Reads what is shown of these customers: the PSA accounts of similar names are looked for among the accounts of each PSA, which
 * are read and prepared once.
 *
 * @returns a function that shows one of the customers
 */
async function createViewer({ db, environment }: ApiDependencies, customers: readonly Found[]) {
  const waiting = customers.filter(({ onboarding: { state } }) => state === 'waiting' || state === 'found');
  const accounts = await listActivePsaAccountsOfMany(db, [...new Set(waiting.map((each) => each.psaConnectionId))]);
  const suggesters = new Map([...accounts].map(([psaConnectionId, rows]) => [psaConnectionId, createSuggester(rows)]));
  const suggested = new Map(
    waiting.map((found) => [found, suggesters.get(found.psaConnectionId)?.(found.name, 3) ?? []]),
  );
  const viewSuggestion = await createSuggestionViewer(
    db,
    [...suggested].map(([{ psaConnectionId }, suggestions]) => ({ psaConnectionId, suggestions })),
  );
  return (found: Found) => {
    const { onboarding, psaConnectionId, marks, chosenReminders, ...names } = found;
    const isOpen = onboarding.state === 'waiting' && onboarding.escalatedAt === null;
    const { escalateMs } = reminderTimesOf({ reminders: chosenReminders }, environment);
    const escalatesAt = isOpen ? new Date(onboarding.foundAt.getTime() + escalateMs) : null;
    return {
      ...onboarding,
      ...names,
      escalatesAt,
      apart: vendorApart(marks),
      version: accountVersion(names),
      suggestions: (suggested.get(found) ?? []).map((suggestion) => viewSuggestion(psaConnectionId, suggestion)),
    };
  };
}
