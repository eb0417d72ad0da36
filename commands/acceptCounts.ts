/** Accepts the counts that a vendor posts, by the hundred thousand (reference/gradient.md §5.2). */
import type { Database } from '../db/client.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { commitFact, finishStep, lockProcess, ownerOf } from '../db/queries/process.ts';
import { callAccept, type AcceptRow, type PostedCount, type PresentedKeys } from '../db/queries/push.ts';
import { listIdentified } from '../db/queries/pushCatalogue.ts';
import { forgetRefused, noteRefused, type RefusedPost } from '../db/queries/refusedPosts.ts';
import { insertSyncRequest } from '../db/queries/sync.ts';
import { meantBy } from '../domain/idReadings.ts';

export interface AcceptedCount {
  keyId: string;
  /** The use of the key should be noted. */
  stale: boolean;
  integration: Pick<IntegrationRow, 'id' | 'organizationId' | 'pushStatus'>;
  accountKnown: boolean;
  /** The service that the count means; null = the service is not known, or (`ambiguous`) the id may mean several. */
  serviceId: string | null;
  ambiguous: boolean;
  /** The PSA account to which the vendor account is mapped. */
  psaAccountId: string | null;
  serviceMapped: boolean;
  /** True when this count is the first of a burst: the process that drives the sync has to be woken. */
  first: boolean;
}

/**
 * Keeps the posted counts whose account and service are known, if the keys are in force, and makes sure that a sync is
 * requested. This takes mostly one statement, because a vendor posts a hundred thousand counts. Of two counts of a
 * pair, the later one is kept. Counts are accepted when this function has returned. Refused counts are noted. The
 * conditions on the keys are those of `findIntegrationByKey`.
 *
 * @param counts of one caller, in the order in which they came; at least one
 * @returns one result for each count; undefined when the keys open no integration, and then no count is kept
 */
export async function acceptCounts(
  db: Database,
  keys: PresentedKeys,
  counts: readonly PostedCount[],
): Promise<AcceptedCount[] | undefined> {
  const rows = await callAccept(db, keys, counts);
  const [any] = rows;
  if (!any) return undefined;
  const ambiguous = rows.some((row) => row.service_id === null)
    ? await acceptOthers(db, keys, counts, rows)
    : undefined;
  const kept = rows.filter((row) => row.account_known && row.service_id !== null);
  const first = kept.length > 0 && !kept.some((row) => row.asked) && (await askForPushedSync(db, any.id));
  await noteOutcome(db, any.id, counts, rows, ambiguous);
  return rows.map((row, at) => ({
    keyId: row.key_id,
    stale: row.stale && at === 0,
    integration: { id: row.id, organizationId: row.organization_id, pushStatus: row.push_status },
    accountKnown: row.account_known ?? false,
    serviceId: row.service_id,
    ambiguous: ambiguous?.has(at) ?? false,
    psaAccountId: row.psa_account_id,
    serviceMapped: row.service_mapped ?? false,
    first: first && row === kept[0],
  }));
}

/**
 * Keeps the counts whose service id is not the exact id of a service, but a service's name or another reading of its
 * id. Replaces the results of those counts in `rows`.
 *
 * @returns the positions of the counts whose service id may mean several services
 */
async function acceptOthers(
  db: Database,
  keys: PresentedKeys,
  counts: readonly PostedCount[],
  rows: AcceptRow[],
): Promise<Set<number>> {
  const ambiguous = new Set<number>();
  const open = counts.flatMap((count, at) => (rows[at]?.service_id === null ? [{ ...count, at }] : []));
  const services = await listIdentified(db, rows[0]?.id ?? '', open.flatMap(readings));
  const meant = open.flatMap((count) => {
    const found = meantBy(readings(count), services);
    if (found === 'ambiguous') ambiguous.add(count.at);
    if (found === 'ambiguous' || found === undefined) return [];
    const { otherReadings: _, ...rest } = count;
    return [{ ...rest, posted: count.serviceId, serviceId: found.id }];
  });
  const accepted = meant.length > 0 ? await callAccept(db, keys, meant) : [];
  for (const [at, row] of accepted.entries()) rows[meant[at]?.at ?? -1] = row;
  return ambiguous;
}

const readings = (count: PostedCount) => [count.serviceId, ...(count.otherReadings ?? [])];

/**
 * Makes sure that no count is dropped silently: notes refused counts, and removes the note of a count that was refused
 * before and is accepted now.
 */
async function noteOutcome(
  db: Database,
  integrationId: string,
  counts: readonly PostedCount[],
  rows: readonly AcceptRow[],
  ambiguous: ReadonlySet<number> | undefined,
): Promise<void> {
  const refused: RefusedPost[] = [];
  const over: Pick<RefusedPost, 'kind' | 'vendorAccountId' | 'serviceId'>[] = [];
  for (const [at, row] of rows.entries()) {
    const count = counts[at];
    if (!count) continue;
    const post = { kind: 'count' as const, vendorAccountId: count.accountId, serviceId: count.serviceId };
    if (row.account_known && row.service_id !== null) {
      if (row.refused_before) over.push(post);
    } else if (ambiguous?.has(at))
      refused.push({ ...post, code: 'ambiguous-id', detail: 'The service id may mean several services.' });
    else if (row.account_known)
      refused.push({ ...post, code: 'unknown-service', detail: 'The integration has no service of this id.' });
    else refused.push({ ...post, code: 'unknown-account', detail: 'The integration has no account of this id.' });
  }
  const [one, ...more] = refused;
  if (one) await noteRefused(db, integrationId, [one, ...more]);
  if (over.length > 0) await forgetRefused(db, integrationId, over);
}

/**
 * Requests a sync of the posted counts, and tells a run that waits for counts that they have come. The process is
 * locked in the same way as a claim locks it: either this function sees a run that is being claimed meanwhile, or the
 * run has seen the counts.
 *
 * @returns false when another caller requested the sync first
 */
async function askForPushedSync(db: Database, integrationId: string): Promise<boolean> {
  const sync = { kind: 'sync', id: integrationId } as const;
  return db.transaction(async (tx) => {
    await lockProcess(tx, sync);
    if (!(await insertSyncRequest(tx, integrationId, { requestedBy: 'vendor', kind: 'push' }))) return false;
    const owner = await ownerOf(tx, sync);
    if (owner) await finishStep(tx, { ...sync, round: owner.round, step: 'counts' });
    await commitFact(tx, sync);
    return true;
  });
}
