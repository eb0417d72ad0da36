/** Taking the numbers that a vendor posts, by the hundred thousand (reference/gradient.md §5.2). */
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
  /** The service that was meant; null = it is not known, or (`ambiguous`) there are several. */
  serviceId: string | null;
  ambiguous: boolean;
  /** The PSA account that the account is mapped to. */
  psaAccountId: string | null;
  serviceMapped: boolean;
  /** It is the first of a burst: whoever drives the sync has to be woken. */
  first: boolean;
}

/**
 * Keeps posted numbers, those whose account and service are known, if the keys are in force, and sees to it that a sync is
 * asked for: mostly one statement, because a vendor posts a hundred thousand of them. Of two numbers of a pair the later one
 * is kept. Accepted is what this has returned from. What is refused is noted. The conditions on the keys are those of
 * `findIntegrationByKey`.
 *
 * @param counts of one caller, in the order in which they came; not none
 * @returns one for each; undefined when the keys open nothing, and then nothing is kept
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
 * Keeps those that were not meant by an id that is one, but by a name, or in another reading. Their rows are put in place of
 * those there are.
 *
 * @returns where those are that may mean several services
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

/** Nothing vanishes quietly: notes what was refused, and that what was refused before is over. */
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
 * Asks for a sync of what was posted, and tells a run that waits for counts that they have come. The process is locked
 * as a claim locks it: a run that is being claimed meanwhile is seen here, or has seen the counts.
 *
 * @returns false when somebody asked first
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
