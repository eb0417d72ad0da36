/**
 * Maps vendor accounts to PSA accounts, or excludes them. Whatever the source of the decision (a person, a mapping
 * file, the vendor's console, two equal names), the mapping is changed here: checked, and with its audit row, its cards
 * and its onboarding. The caller holds the integration's lock, because alerts may have waited for the mapping
 * (`changeAndAdmit`).
 */
import { describeAccountMapping } from '../domain/mappingFile.ts';
import { exactMatches, type Named } from '../domain/matching.ts';
import type { Transaction } from '../db/client.ts';
import {
  storeAccountDecisions,
  type AccountDecision,
  type DecidedAccount,
  type MappedBy,
} from '../db/queries/accountMapping.ts';
import { recomputeCards } from '../db/queries/cards.ts';
import {
  findAccountMapping,
  findVendorAccount,
  listMappedPsaAccountIds,
  listMatchableAccounts,
  type IntegrationRow,
} from '../db/queries/integration.ts';
import { beginOnboardings, settleOnboarding, settleOnboardings } from './onboarding.ts';
import { findPsaAccount, listActivePsaAccounts } from '../db/queries/psa.ts';
import { audit, countersign, type Actor, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';
import { refuseUnseen, versionOf, type Present } from './seen.ts';

type Integration = Pick<IntegrationRow, 'id' | 'organizationId' | 'psaConnectionId'>;

interface Decisions {
  how: MappedBy;
  /** Set for the decisions of a mapping file; the audit rows then record it. */
  via?: 'file';
  /** Why accounts are excluded; the audit rows keep it. */
  reason?: string | undefined;
  decisions: readonly AccountDecision[];
}

/** The decision that a person makes about one vendor account. */
export type AccountWish = { map: string } | 'unmap' | 'exclude' | 'include';

/** The current decision about a vendor account. */
interface AccountState {
  excluded: boolean;
  psaAccountId: string | null;
}

/**
 * Returns the version of an account's decision. The version does not contain who mapped the account: a person who
 * confirms an equal name reverses nothing.
 */
export function accountVersion({ excluded, psaAccountId }: AccountState): string {
  return versionOf({ excluded, psaAccountId });
}

/**
 * Makes a person's decision about one vendor account. A decision that is in force already changes nothing, whatever
 * version was seen.
 *
 * @param input.seen the `accountVersion` that was shown; undefined = change it, whatever the version is
 * @param input.reason why the account is excluded, for whoever looks at it later
 * @throws Refusal when there is no such vendor account or PSA account, or the vendor account is not linked, or it is to
 *   be mapped while it is excluded, or it has changed meanwhile
 */
export const decideAccount: Command<{
  integration: Integration;
  vendorAccountId: string;
  wish: AccountWish;
  seen: string | undefined;
  reason?: string | undefined;
}> = async (tx, actor, { integration: row, vendorAccountId, wish, seen, reason }) => {
  const now = await stateOf(tx, row.id, vendorAccountId);
  const decision = decisionOf(vendorAccountId, wish, now);
  if (!decision) return { toWake: [] };
  if (accountVersion(decision) !== accountVersion(now)) await refuseUnseen(tx, seen, await presentOf(tx, row, now));
  if (typeof wish === 'object') {
    if (now.excluded) throw new Refusal('conflict', 'excluded', 'This customer is excluded. Include it again first.');
    if (!(await findPsaAccount(tx, row.psaConnectionId, wish.map)))
      throw new Refusal('impossible', 'unknown-psa-account', 'The PSA has no such account, or it was not read yet.');
  }
  return decideAccounts(tx, actor, { integration: row, how: 'person', reason, decisions: [decision] });
};

function decisionOf(vendorAccountId: string, wish: AccountWish, now: AccountState): AccountDecision | undefined {
  if (typeof wish === 'object') return { vendorAccountId, excluded: false, psaAccountId: wish.map };
  // On an account that is not excluded, "include" would remove its mapping; on an account that is excluded, "unmap"
  // finds no mapping to remove.
  if (now.excluded ? wish === 'unmap' : wish === 'include') return undefined;
  return { vendorAccountId, excluded: wish === 'exclude', psaAccountId: null };
}

/** @throws Refusal when the integration has no such vendor account, or the account is not linked */
async function stateOf(tx: Transaction, integrationId: string, id: string): Promise<AccountState & Named> {
  const account = await findVendorAccount(tx, integrationId, id);
  if (!account) throw new Refusal('unknown', 'not-found', 'There is no such vendor account.');
  if (!account.linked) throw new Refusal('conflict', 'not-linked', 'This customer is not linked. Link it first.');
  const mapping = await findAccountMapping(tx, integrationId, id);
  return { id, name: account.name, excluded: account.excluded, psaAccountId: mapping?.psaAccountId ?? null };
}

async function presentOf(tx: Transaction, row: Integration, account: AccountState & Named): Promise<Present> {
  const { id, name, excluded, psaAccountId } = account;
  const psaAccount = psaAccountId === null ? undefined : await findPsaAccount(tx, row.psaConnectionId, psaAccountId);
  return {
    organizationId: row.organizationId,
    what: `The mapping of ${name} (${id})`,
    now: `It is ${describeAccountMapping({ excluded, psaAccountId }, psaAccount?.name)}`,
    version: accountVersion(account),
    subjects: [{ kind: 'vendor_account', id: `${row.id}/${id}` }],
  };
}

/**
 * Makes decisions about many vendor accounts at once. The caller has checked them: the accounts are linked, the PSA
 * accounts to which they are mapped exist, and no account is excluded and mapped at the same time.
 *
 * @param input.decisions at most one for each vendor account
 */
export const decideAccounts: Command<Decisions & { integration: Integration }> = async (
  tx,
  actor,
  { integration: row, ...decided },
) => {
  const changed = await store(tx, actor, row, decided);
  const ids = (which: (account: DecidedAccount) => boolean) =>
    changed.filter(which).map(({ vendorAccountId }) => vendorAccountId);
  const begun = await beginOnboardings(
    tx,
    row,
    ids((account) => account.before.excluded && !account.excluded && account.psaAccountId === null),
    { by: 'person' },
  );
  const [only] = changed;
  // The onboarding of a single account goes on at once; those of many accounts go on in batches.
  const settled =
    only && changed.length === 1
      ? await settleOnboarding(tx, row, only.vendorAccountId)
      : await settleOnboardings(tx, row, {
          mapped: ids((account) => account.psaAccountId !== null),
          unmapped: ids((account) => account.psaAccountId === null && !account.excluded),
          excluded: ids((account) => account.excluded),
        });
  return { toWake: [...begun, ...settled] };
};

/**
 * Stores decisions, with an audit row for each that changes something, and recomputes the cards of the PSA accounts
 * concerned; a PSA account to which nothing is mapped any more loses its cards.
 */
async function store(
  tx: Transaction,
  actor: Actor,
  row: Integration,
  { how, via, reason, decisions }: Decisions,
): Promise<DecidedAccount[]> {
  const changed = await storeAccountDecisions(tx, row, how, decisions);
  await audit(
    tx,
    actor,
    changed.map(({ vendorAccountId, before, excluded, psaAccountId }) => ({
      action: `account.${psaAccountId !== null ? 'map' : excluded ? 'exclude' : before.excluded ? 'include' : 'unmap'}`,
      subjectKind: 'vendor_account',
      subjectId: `${row.id}/${vendorAccountId}`,
      before,
      after: {
        excluded,
        psaAccountId,
        how: psaAccountId === null ? null : how,
        ...(via && { by: via }),
        ...(excluded && reason !== undefined && { reason }),
      },
    })),
  );
  const concerned = changed.flatMap(({ before, psaAccountId }) => [before.psaAccountId, psaAccountId]);
  await recomputeCards(
    tx,
    row.psaConnectionId,
    concerned.filter((id) => id !== null),
  );
  return changed;
}

/**
 * Maps the account as it was chosen in the vendor's console. An account that a person has mapped or excluded here keeps
 * that decision, an exact match is kept too, and an earlier choice made in the console is replaced. A choice is ignored
 * when its PSA account is not known or not active, or when its vendor account is not linked.
 *
 * @returns `mapped`: whether the account is mapped now
 */
export const chooseAccount: Command<
  { integration: Integration; vendorAccountId: string; psaAccountId: string },
  { mapped: boolean }
> = async (tx, actor, { integration: row, vendorAccountId, psaAccountId }) => {
  const account = await findVendorAccount(tx, row.id, vendorAccountId);
  const before = await findAccountMapping(tx, row.id, vendorAccountId);
  const decided = before !== undefined && before.how !== 'vendor';
  const psaAccount = await findPsaAccount(tx, row.psaConnectionId, psaAccountId);
  if (!account?.linked || account.excluded || !psaAccount?.active || decided)
    return { mapped: before !== undefined, toWake: [] };
  const decisions = [{ vendorAccountId, excluded: false, psaAccountId }];
  return { mapped: true, ...(await decideAccounts(tx, actor, { integration: row, how: 'vendor', decisions })) };
};

/**
 * Maps accounts whose names are equal character for character and unique on both sides, and no others (invariant 4).
 * The caller advances the onboardings that wait for a mapping.
 *
 * @param only the vendor accounts that may be mapped; absent = all that are linked and not mapped
 * @returns how many were mapped
 */
export async function mapEqualNames(tx: Transaction, row: Integration, only?: ReadonlySet<string>): Promise<number> {
  const accounts = await listMatchableAccounts(tx, row.id);
  const open = new Set(accounts.filter((account) => account.open).map((account) => account.id));
  const taken = new Set(await listMappedPsaAccountIds(tx, row.id));
  // Accounts that are mapped already, or not linked, still make a name ambiguous: when one of two accounts with the
  // same name is mapped, the other one is not therefore the right match.
  const matches = exactMatches(accounts, await listActivePsaAccounts(tx, row.psaConnectionId)).filter(
    (match) =>
      open.has(match.vendorAccountId) &&
      !taken.has(match.psaAccountId) &&
      (only === undefined || only.has(match.vendorAccountId)),
  );
  const decisions = matches.map((match) => ({ ...match, excluded: false }));
  return (await store(tx, countersign(row), row, { how: 'exact', decisions })).length;
}
