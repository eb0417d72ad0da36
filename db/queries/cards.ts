/**
 * Cards. They are recomputed for the affected PSA accounts in the transaction that changes their inputs (counts,
 * mappings, rules, lines), so that no reader ever sees a card that does not fit its numbers.
 */
import { and, asc, eq, gte, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm';
import { today } from '../../domain/day.ts';
import { reconcileAccount, type Card, type Decision, type ReconcileInput } from '../../domain/reconcile.ts';
import type { Acceptance, IncompleteRead } from '../../domain/incomplete.ts';
import { foundOf, stateOf } from '../../domain/reconcile/review.ts';
import { unreadOf } from '../../domain/reconcile/unread.ts';
import type { Queryable, Transaction } from '../client.ts';
import {
  accountMapping,
  agreement,
  agreementLine,
  card,
  cardDecision,
  integration,
  productRule,
  psaAccount,
  serviceMapping,
  syncRun,
  usageCount,
  vendorAccount,
} from '../schema/index.ts';
import { isMappingOf } from './joins.ts';
import { among } from './among.ts';
import { quantityDecimalsOf, readPsaConnection, type PsaConnectionRow } from './psaConnection.ts';
import { listUnreadOf } from './psaUnread.ts';

export type CardRow = typeof card.$inferSelect;

/** How many PSA accounts have their inputs held in memory at once. */
const accountsPerBatch = 500;
/** Letters of a name by which cards are ordered: an entry of an index takes 2,700 bytes. */
const longestName = 200;

/** Recomputes all cards of a connection, after a refresh. */
export async function recomputeConnection(tx: Transaction, psaConnectionId: string): Promise<void> {
  const accounts = await listMappedAccounts(tx, psaConnectionId);
  const withCards = await tx
    .selectDistinct({ id: card.psaAccountId })
    .from(card)
    .where(eq(card.psaConnectionId, psaConnectionId));
  await recomputeCards(tx, psaConnectionId, [...new Set([...accounts, ...withCards.map((row) => row.id)])]);
}

/** Lists the PSA accounts to which any integration of a connection is mapped. */
export async function listMappedAccounts(db: Queryable, psaConnectionId: string): Promise<string[]> {
  const rows = await db
    .selectDistinct({ id: accountMapping.psaAccountId })
    .from(accountMapping)
    .innerJoin(integration, eq(integration.id, accountMapping.integrationId))
    .where(eq(integration.psaConnectionId, psaConnectionId));
  return rows.map((row) => row.id);
}

/** Recomputes the cards of the PSA accounts to which an integration is mapped, after a run or a service mapping. */
export async function recomputeIntegration(tx: Transaction, integrationId: string): Promise<void> {
  const [row] = await tx.select().from(integration).where(eq(integration.id, integrationId));
  if (!row) return;
  const accounts = await tx
    .selectDistinct({ id: accountMapping.psaAccountId })
    .from(accountMapping)
    .where(eq(accountMapping.integrationId, integrationId));
  await recomputeCards(
    tx,
    row.psaConnectionId,
    accounts.map((account) => account.id),
  );
}

/**
 * Recomputes the cards of these PSA accounts. A card keeps its id as long as its account × product has a card.
 *
 * @param psaAccountIds the PSA's own ids
 */
export async function recomputeCards(
  tx: Transaction,
  psaConnectionId: string,
  psaAccountIds: readonly string[],
): Promise<void> {
  if (psaAccountIds.length === 0) return;
  const connection = await readPsaConnection(tx, psaConnectionId);
  const { organizationId } = connection;
  // Every transaction recomputes accounts in the same order, so that two that recompute the same accounts do not
  // deadlock.
  const ids = [...new Set(psaAccountIds)].sort();
  for (let at = 0; at < ids.length; at += accountsPerBatch) {
    const batch = ids.slice(at, at + accountsPerBatch);
    const inputs = await readInputs(tx, connection, batch);
    const rows = batch.flatMap((psaAccountId) => {
      const input = inputs.get(psaAccountId);
      return input ? reconcileAccount(input).map((computed) => rowOf(psaAccountId, computed, input)) : [];
    });
    await tx.execute(sql`
      delete from card c
       where c.psa_connection_id = ${psaConnectionId}
         and c.psa_account_id in (select jsonb_array_elements_text(${JSON.stringify(batch)}::jsonb))
         and not exists (
           select from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(psa_account_id text, psa_product_id text)
            where (r.psa_account_id, r.psa_product_id) = (c.psa_account_id, c.psa_product_id))`);
    await tx.execute(sql`
      insert into card as c (organization_id, psa_connection_id, psa_account_id, psa_product_id, kind, flags, usage, target,
                             current, difference, approvable, bulk_approvable, dismissed, detail, state, found, currency,
                             amount, integration_ids, account_name, product_name, search, differs_since)
      select ${organizationId}::uuid, ${psaConnectionId}::uuid, r.psa_account_id, r.psa_product_id, r.kind, r.flags, r.usage,
             r.target, r.current, r.difference, r.approvable, r.bulk_approvable, r.dismissed, r.detail, r.state, r.found,
             r.currency, r.amount, r.integration_ids, left(a.name, ${longestName}),
             left(coalesce(p.product_id, r.psa_product_id), ${longestName}),
             lower(normalize(left(concat_ws(' ', a.name, p.product_id, p.name), 3 * ${longestName}), nfc)),
             case when r.kind <> 'no_change' then now() end
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(
             psa_account_id text, psa_product_id text, kind text, flags text[], usage float8, target float8, current float8,
             difference float8, approvable boolean, bulk_approvable boolean, dismissed boolean, detail jsonb, state text,
             found text, currency text, amount numeric, integration_ids uuid[])
        join psa_account a on (a.psa_connection_id, a.id) = (${psaConnectionId}::uuid, r.psa_account_id)
        left join psa_product p on (p.psa_connection_id, p.id) = (${psaConnectionId}::uuid, r.psa_product_id)
       order by r.psa_account_id, r.psa_product_id
      on conflict (psa_connection_id, psa_account_id, psa_product_id) do update
         set kind = excluded.kind, flags = excluded.flags, usage = excluded.usage, target = excluded.target,
             current = excluded.current, difference = excluded.difference, approvable = excluded.approvable,
             bulk_approvable = excluded.bulk_approvable, dismissed = excluded.dismissed, detail = excluded.detail,
             state = excluded.state, found = excluded.found, currency = excluded.currency, amount = excluded.amount,
             integration_ids = excluded.integration_ids, account_name = excluded.account_name,
             product_name = excluded.product_name, search = excluded.search,
             changed_at = case when (c.detail, c.dismissed) is distinct from (excluded.detail, excluded.dismissed)
                               then now() else c.changed_at end,
             differs_since = case when excluded.kind <> 'no_change' then coalesce(c.differs_since, now()) end
       where (c.detail, c.dismissed, c.state, c.found, c.amount, c.integration_ids, c.account_name, c.product_name, c.search)
             is distinct from (excluded.detail, excluded.dismissed, excluded.state, excluded.found, excluded.amount,
                               excluded.integration_ids, excluded.account_name, excluded.product_name, excluded.search)`);
  }
}

function rowOf(psaAccountId: string, computed: Card, { mappings }: ReconcileInput) {
  const found = foundOf(computed);
  const { counts } = computed.explanation;
  const feeding = counts.length > 0 ? counts : mappings.filter((each) => each.productIds.includes(computed.productId));
  return {
    psa_account_id: psaAccountId,
    psa_product_id: computed.productId,
    kind: computed.kind,
    flags: computed.flags.map((flag) => flag.code),
    usage: computed.usage,
    target: computed.target,
    current: computed.current,
    difference: computed.difference,
    approvable: computed.approvable,
    bulk_approvable: computed.bulkApprovable,
    dismissed: computed.dismissed,
    detail: computed,
    state: stateOf(computed),
    found: found?.kind ?? null,
    currency: found?.currency ?? null,
    amount: found?.amount ?? null,
    integration_ids: [...new Set(feeding.map(({ integrationId }) => integrationId))].sort(),
  };
}

/**
 * Reads the mappings of used services or billed products, and how several services that feed one of their products
 * combine. No other mappings make a card.
 */
async function readMappings(
  tx: Queryable,
  psaConnectionId: string,
  { used, billed }: { used: readonly string[]; billed: readonly string[] },
): Promise<Pick<ReconcileInput, 'mappings' | 'combine'>> {
  const concerns = sql`(${among(serviceMapping.serviceId, used)} or ${serviceMapping.productIds} && ${sql.param([...billed])}::text[])`;
  const mappings = await tx
    .select({
      integrationId: serviceMapping.integrationId,
      serviceId: serviceMapping.serviceId,
      productIds: serviceMapping.productIds,
      fanOut: serviceMapping.fanOut,
      rounding: serviceMapping.rounding,
    })
    .from(serviceMapping)
    .innerJoin(integration, eq(integration.id, serviceMapping.integrationId))
    .where(and(eq(integration.psaConnectionId, psaConnectionId), isNull(integration.disconnectedAt), concerns))
    .orderBy(asc(serviceMapping.integrationId), asc(serviceMapping.serviceId));
  const productIds = mappings.flatMap((mapping) => mapping.productIds);
  const rules = await tx
    .select()
    .from(productRule)
    .where(and(eq(productRule.psaConnectionId, psaConnectionId), among(productRule.productId, productIds)));
  return { mappings, combine: Object.fromEntries(rules.map((rule) => [rule.productId, rule.combine])) };
}

/**
 * Reads what the cards of these PSA accounts are computed from, in batches, without changing anything. A PSA account to
 * which nothing is mapped is left out.
 */
export async function* readInputsInBatches(
  db: Queryable,
  psaConnectionId: string,
  psaAccountIds: readonly string[],
): AsyncGenerator<ReconcileInput[]> {
  const connection = await readPsaConnection(db, psaConnectionId);
  for (let at = 0; at < psaAccountIds.length; at += accountsPerBatch)
    yield [...(await readInputs(db, connection, psaAccountIds.slice(at, at + accountsPerBatch))).values()];
}

async function readInputs(
  tx: Queryable,
  connection: PsaConnectionRow,
  psaAccountIds: readonly string[],
): Promise<Map<string, ReconcileInput>> {
  const { id: psaConnectionId, incomplete } = connection;
  const quantityDecimals = quantityDecimalsOf(connection);
  const ids = [...psaAccountIds];
  const accounts = await tx
    .select()
    .from(psaAccount)
    .where(and(eq(psaAccount.psaConnectionId, psaConnectionId), inArray(psaAccount.id, ids)));
  const usage = await tx
    .select({ psaAccountId: accountMapping.psaAccountId, count: usageCount, incomplete: syncRun.incomplete })
    .from(usageCount)
    .leftJoin(syncRun, and(eq(syncRun.id, usageCount.runId), eq(usageCount.source, 'pull')))
    .innerJoin(accountMapping, isMappingOf(usageCount.integrationId, usageCount.vendorAccountId))
    .innerJoin(integration, eq(integration.id, usageCount.integrationId))
    .where(
      and(
        eq(integration.psaConnectionId, psaConnectionId),
        isNull(integration.disconnectedAt),
        or(isNull(integration.countsFrom), gte(usageCount.asOf, integration.countsFrom)),
        inArray(accountMapping.psaAccountId, ids),
      ),
    )
    .orderBy(asc(usageCount.integrationId), asc(usageCount.vendorAccountId), asc(usageCount.serviceId));
  // A PSA account to which no vendor account is mapped has no cards, whatever lines it has.
  const mapped = await tx
    .selectDistinct({ id: accountMapping.psaAccountId })
    .from(accountMapping)
    .innerJoin(integration, eq(integration.id, accountMapping.integrationId))
    .where(
      and(
        eq(integration.psaConnectionId, psaConnectionId),
        isNull(integration.disconnectedAt),
        inArray(accountMapping.psaAccountId, ids),
      ),
    );
  const agreements = await tx
    .select()
    .from(agreement)
    .where(and(eq(agreement.psaConnectionId, psaConnectionId), inArray(agreement.accountId, ids)));
  const lines = await tx
    .select({ accountId: agreement.accountId, line: agreementLine })
    .from(agreementLine)
    .innerJoin(
      agreement,
      and(eq(agreement.psaConnectionId, agreementLine.psaConnectionId), eq(agreement.id, agreementLine.agreementId)),
    )
    .where(and(eq(agreement.psaConnectionId, psaConnectionId), inArray(agreement.accountId, ids)))
    .orderBy(asc(agreementLine.id));
  const shared = await readMappings(tx, psaConnectionId, {
    used: [...new Set(usage.map(({ count }) => count.serviceId))],
    billed: [...new Set(lines.map(({ line }) => line.productId))],
  });
  const decisions = await tx
    .select()
    .from(cardDecision)
    .where(and(eq(cardDecision.psaConnectionId, psaConnectionId), inArray(cardDecision.psaAccountId, ids)));

  const unread = await listUnreadOf(tx, psaConnectionId, ids);
  const unreadUsage = await tx
    .select({ psaAccountId: accountMapping.psaAccountId, account: vendorAccount })
    .from(vendorAccount)
    .innerJoin(accountMapping, isMappingOf(vendorAccount.integrationId, vendorAccount.id))
    .innerJoin(integration, eq(integration.id, vendorAccount.integrationId))
    .where(
      and(
        eq(integration.psaConnectionId, psaConnectionId),
        isNull(integration.disconnectedAt),
        isNotNull(vendorAccount.unreadSince),
        inArray(accountMapping.psaAccountId, ids),
      ),
    )
    .orderBy(asc(vendorAccount.integrationId), asc(vendorAccount.id));

  const mappedIds = new Set(mapped.map((row) => row.id));
  const inputs = new Map<string, ReconcileInput>();
  for (const account of accounts) {
    if (!mappedIds.has(account.id)) continue;
    const touched = incomplete !== null && (incomplete.accounts?.includes(account.id) ?? true);
    inputs.set(account.id, {
      account,
      today: today(),
      ...shared,
      quantityDecimals,
      ...(connection.caps ? { caps: connection.caps } : {}),
      ...(connection.settings.zero ? { zero: connection.settings.zero } : {}),
      ...(touched ? { linesIncomplete: { by: incomplete.by, at: incomplete.at } } : {}),
      usage: [],
      agreements: [],
      lines: [],
      unread: [],
      decisions: {},
    });
  }
  for (const { psaAccountId, count, incomplete: ofRun } of usage) {
    inputs.get(psaAccountId)?.usage.push({
      ...count,
      ...acceptanceIn(ofRun),
      asOf: count.asOf.toISOString(),
      notReportedSince: count.notReportedSince?.toISOString() ?? null,
    });
  }
  for (const row of agreements) inputs.get(row.accountId)?.agreements.push(row);
  for (const { accountId, line } of lines) inputs.get(accountId)?.lines.push(line);
  for (const { accountId, entity, id, name, since, why } of unread) {
    if (accountId === null || entity === 'psa_product' || entity === 'psa_board') continue;
    const of = agreements.find((row) => row.id === id);
    const onlyWithoutLine = entity === 'lines' && of !== undefined && of.status !== 'active';
    const one = unreadOf({ what: entity, id, name, since: since.toISOString(), why, onlyWithoutLine });
    inputs.get(accountId)?.unread.push(one);
  }
  for (const { psaAccountId, account } of unreadUsage) {
    const since = (account.unreadSince ?? new Date()).toISOString();
    const { id, name, unreadWhy: why } = account;
    inputs.get(psaAccountId)?.unread.push(unreadOf({ what: 'vendor_account', id, name, since, why: why ?? '' }));
  }
  for (const row of decisions) {
    const input = inputs.get(row.psaAccountId);
    if (input) input.decisions[row.psaProductId] = decisionOf(row);
  }
  return inputs;
}

/** Who accepted an incomplete read, and when, without the details of what was wrong with it. */
function acceptanceIn(read: IncompleteRead | null): { incomplete?: Acceptance } {
  return read ? { incomplete: { by: read.by, at: read.at } } : {};
}

function decisionOf(row: typeof cardDecision.$inferSelect): Decision {
  return {
    ...(row.rule ? { rule: row.rule } : {}),
    ...(row.lineId ? { lineId: row.lineId } : {}),
    ...(row.dismissal ? { dismissal: row.dismissal } : {}),
  };
}

/** Stores a person's decision for an account × product and recomputes its card. Null withdraws a decision. */
export async function decideCard(
  tx: Transaction,
  target: Pick<CardRow, 'psaConnectionId' | 'psaAccountId' | 'psaProductId'>,
  change: { rule?: Decision['rule'] | null; lineId?: string | null; dismissal?: Decision['dismissal'] | null },
): Promise<void> {
  const { psaConnectionId, psaAccountId, psaProductId } = target;
  await tx
    .insert(cardDecision)
    .values({ psaConnectionId, psaAccountId, psaProductId, ...change })
    .onConflictDoUpdate({
      target: [cardDecision.psaConnectionId, cardDecision.psaAccountId, cardDecision.psaProductId],
      set: change,
    });
  await recomputeCards(tx, psaConnectionId, [psaAccountId]);
}

/**
 * Stores a dismissal for each of these cards of an organization, and recomputes their cards.
 *
 * @returns the cards that are there, each with its numbers before and its dismissal
 */
export async function dismissMany(
  tx: Transaction,
  organizationId: string,
  cardIds: readonly string[],
  dismissalOf: (card: CardRow) => NonNullable<Decision['dismissal']>,
) {
  const rows = await tx
    .select()
    .from(card)
    .where(
      and(
        eq(card.organizationId, organizationId),
        sql`${card.id} in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(cardIds)}::jsonb))`,
      ),
    )
    .orderBy(asc(card.psaConnectionId), asc(card.psaAccountId), asc(card.psaProductId));
  const dismissed = rows.map((row) => ({ ...row, dismissal: dismissalOf(row) }));
  const decisions = dismissed.map(({ psaConnectionId, psaAccountId, psaProductId, dismissal }) => ({
    psaConnectionId,
    psaAccountId,
    psaProductId,
    dismissal,
  }));
  await tx.execute(sql`
    insert into card_decision (psa_connection_id, psa_account_id, psa_product_id, dismissal)
    select * from jsonb_to_recordset(${JSON.stringify(decisions)}::jsonb)
      as r("psaConnectionId" uuid, "psaAccountId" text, "psaProductId" text, dismissal jsonb)
    on conflict (psa_connection_id, psa_account_id, psa_product_id) do update set dismissal = excluded.dismissal`);
  for (const psaConnectionId of [...new Set(rows.map((row) => row.psaConnectionId))]) {
    const of = rows.filter((row) => row.psaConnectionId === psaConnectionId);
    await recomputeCards(
      tx,
      psaConnectionId,
      of.map(({ psaAccountId }) => psaAccountId),
    );
  }
  return dismissed;
}
