/** Mailprotector as a vendor adapter: it assembles usage as mailprotector.md §5.2 says, with the fewest calls. */
import { z } from 'zod';
import type { RuleName, Signals } from '../../domain/derivedAlerts.ts';
import { skuOf } from '../../domain/skuCatalogue.ts';
import type { RateLimiter } from '../rateLimiter.ts';
import { ConnectorError } from '../errors.ts';
import { field } from '../fields.ts';
import { createHttpClient, type HttpLogger } from '../http.ts';
import { asPart } from '../readingStep.ts';
import { idOf, unreadRow } from '../rows.ts';
import type {
  CallOptions,
  UnreadAccount,
  UnreadRow,
  UsageCount,
  UsagePage,
  UsagePart,
  UserTypeCounts,
  VendorAdapter,
} from '../vendor.ts';
import { createMailprotectorClient } from './client.ts';
import {
  customerSchema,
  domainSchema,
  resellerSchema,
  servicesSchema,
  statementSchema,
  userGroupSchema,
  userSchema,
  userSyncSchema,
} from './schemas.ts';

export const mailprotectorCredentials = z.strictObject({
  resellerId: field(
    z
      .string()
      .regex(/^\d{1,18}$/, 'The reseller id is a number; Mailprotector shows it in the address of the console.'),
    {
      label: 'Reseller id',
      where: 'The number in the address of the Mailprotector Console while your reseller account is open.',
      sample: '500',
    },
  ),
  apiKey: field(z.string().trim().min(8).max(500), {
    label: 'API key',
    where:
      'In the Mailprotector Console: the menu at the upper right > edit profile > "…" on your reseller role > View API Key.',
    secret: true,
  }),
});

/** Settings for every question that the references leave open, with our defaults. */
export const mailprotectorSettings = z.object({
  /** `userCount` trusts the group's own `user_count`; `users` lists users and counts the billable types (what `user_count` includes is unknown, §5.2). */
  countBy: z.enum(['userCount', 'users']).default('userCount'),
  /** With `users`: the user types that are billed (§5.2's safe default). */
  billableUserTypes: z.array(z.string()).default(['User']),
  /** Whether users of a Pending domain count; mail is not filtered while Pending, billing is unknown (§5.2). */
  countPendingDomains: z.boolean().default(false),
  /** Rows per page; 50 is the largest page that was seen (§2). */
  perPage: z.int().min(1).max(500).default(50),
  /** Statuses of a statement that needs no attention; `Settled` is known (§4.9), `Paid` is the older API's. */
  settledStatements: z.array(z.string()).default(['Settled', 'Paid']),
  /** Display name → SKU, for names the catalogue does not know (§5.4). */
  services: z.record(z.string(), z.string()).default({}),
});

export type MailprotectorSettings = z.infer<typeof mailprotectorSettings>;

/** So many accounts make one page of usage, which is committed together. */
const accountsPerPage = 25;

export function createMailprotectorAdapter(
  credentials: z.infer<typeof mailprotectorCredentials>,
  settings: MailprotectorSettings,
  options: {
    baseUrl: string;
    rateLimiter: RateLimiter;
    concurrency: number;
    timeoutMs?: number | undefined;
    logger?: HttpLogger | undefined;
  },
): VendorAdapter {
  const http = createHttpClient({
    baseUrl: `${options.baseUrl.replace(/\/+$/, '')}/api/v1`,
    headers: { authorization: `Bearer ${credentials.apiKey}` },
    secrets: [credentials.apiKey],
    rateLimiter: options.rateLimiter,
    logger: options.logger,
    ...(options.timeoutMs ? { timeoutMs: options.timeoutMs } : {}),
  });
  const client = createMailprotectorClient(http, settings.perPage, options.concurrency);
  const reseller = credentials.resellerId;

  async function listAccounts(call?: CallOptions) {
    const rows = await client.list(
      '/resellers/{id}/customers',
      `/resellers/${reseller}/customers`,
      customerSchema,
      call,
    );
    return rows.map(({ id, name }) => ({ id, name }));
  }

  const listDomains = (call?: CallOptions) =>
    client.list('/resellers/{id}/domains', `/resellers/${reseller}/domains`, domainSchema, call);

  const listDomainsOf = (accountId: string, call?: CallOptions) =>
    client.list('/customers/{id}/domains', `/customers/${accountId}/domains`, domainSchema, call);

  /** The domains of each account that count. Aliases do not: their users are their parent's. */
  async function domainsByAccount(accountIds: readonly string[], call?: CallOptions) {
    // The reseller's list of all domains takes a hundredth of the calls; for a single account its own list is one call.
    const [only, ...more] = accountIds;
    const alone = only !== undefined && more.length === 0 ? only : undefined;
    /** Accounts with a domain that cannot be read, and why: how many users they have is not known. */
    const unread = new Map<string, string>();
    const options = {
      ...call,
      unread: (row: UnreadRow) => {
        const accountId = alone ?? idOf(row.raw['account']);
        if (accountId === undefined) throw unreadRow(`/resellers/${reseller}/domains`, row);
        unread.set(accountId, `domain ${row.id}${row.name === undefined ? '' : ` ("${row.name}")`}: ${row.why}`);
      },
    };
    const rows = alone === undefined ? await listDomains(options) : await listDomainsOf(alone, options);
    const byAccount = new Map<string, { id: string; name: string }[]>();
    for (const domain of rows) {
      if (domain.parent) continue;
      if (!settings.countPendingDomains && domain.domain_status.name === 'Pending') continue;
      byAccount.set(domain.account.id, [...(byAccount.get(domain.account.id) ?? []), domain]);
    }
    return { byAccount, unread };
  }

  type Domains = Awaited<ReturnType<typeof domainsByAccount>>;
  type Usage = Awaited<ReturnType<typeof usageOf>> | UnreadAccount;

  /** The usage of an account, or why it could not be read. A failure that concerns one account only does not fail the others. */
  async function usageOrWhy(accountId: string, { byAccount, unread }: Domains, call: CallOptions): Promise<Usage> {
    const why = unread.get(accountId);
    if (why !== undefined) return { accountId, code: 'bad_shape', why };
    try {
      return await usageOf(accountId, byAccount.get(accountId) ?? [], call);
    } catch (error) {
      const refused = asRefusal(accountId, error);
      if (refused.code !== 'not_found') return refused;
    }
    // A domain or group that was listed a moment ago and is 404 now was removed while we read: the domains are listed again.
    try {
      const now = await domainsByAccount([accountId], call);
      const still = now.unread.get(accountId);
      if (still !== undefined) return { accountId, code: 'bad_shape', why: still };
      return await usageOf(accountId, now.byAccount.get(accountId) ?? [], call);
    } catch (error) {
      const refused = asRefusal(accountId, error);
      const listed = refused.code !== 'not_found' || (await isListed(accountId, call));
      return listed ? refused : vanished(error);
    }
  }

  async function isListed(accountId: string, call: CallOptions): Promise<boolean> {
    const ids: string[] = [];
    // A row that cannot be read is listed, too.
    const rows = await listAccounts({ ...call, unread: ({ id }) => ids.push(id) });
    return ids.concat(rows.map(({ id }) => id)).includes(accountId);
  }

  async function usageOf(accountId: string, domains: readonly { id: string; name: string }[], call: CallOptions) {
    const userTypes: UserTypeCounts = {};
    const byService = new Map<string, UsagePart[]>();
    await Promise.all(
      domains.map(async (domain) => {
        const groupsPath = `/domains/${domain.id}/user_groups`;
        const groups = await client.list('/domains/{id}/user_groups', groupsPath, userGroupSchema, call);
        const counted = settings.countBy === 'users' ? await countUsers(domain.id, userTypes, call) : undefined;
        await Promise.all(
          groups.map(async (group) => {
            const servicesPath = `/user_groups/${group.id}/services`;
            const records = await client.get('/user_groups/{id}/services', servicesPath, servicesSchema, call);
            const quantity = counted ? (counted.get(group.id) ?? 0) : group.user_count;
            for (const service of new Set(records.map((record) => serviceOf(record.service_type)))) {
              const parts = byService.get(service) ?? [];
              parts.push({ domain: domain.name, group: group.name, groupId: group.id, quantity });
              byService.set(service, parts);
            }
          }),
        );
      }),
    );
    const counts = [...byService].sort(byText).map(
      ([service, parts]): UsageCount => ({
        accountId,
        service,
        quantity: parts.reduce((sum, part) => sum + part.quantity, 0),
        parts: parts.sort((a, b) => (a.groupId < b.groupId ? -1 : 1)),
      }),
    );
    return { counts, userTypes };
  }

  async function countUsers(
    domainId: string,
    userTypes: UserTypeCounts,
    call: CallOptions,
  ): Promise<Map<string, number>> {
    const users = await client.list('/domains/{id}/users', `/domains/${domainId}/users`, userSchema, call);
    const byGroup = new Map<string, number>();
    for (const user of users) {
      const type = user.user_type.name;
      userTypes[type] = (userTypes[type] ?? 0) + 1;
      if (!settings.billableUserTypes.includes(type)) continue;
      byGroup.set(user.user_group.id, (byGroup.get(user.user_group.id) ?? 0) + 1);
    }
    return byGroup;
  }

  async function deadSyncsOf(domain: z.infer<typeof domainSchema>, call: CallOptions) {
    const path = `/domains/${domain.id}/user_syncs`;
    const syncs = await client.list('/domains/{id}/user_syncs', path, userSyncSchema, call);
    return syncs
      .filter((sync) => !sync.alive && sync.enabled !== false)
      .map(({ id, name }) => ({ id, name, accountId: domain.account.id, domain: domain.name }));
  }

  async function openStatementsOf(accountId: string, call: CallOptions) {
    const path = `/customers/${accountId}/statements`;
    const statements = await client.list('/customers/{id}/statements', path, statementSchema, call);
    return statements
      .filter((statement) => !settings.settledStatements.includes(statement.statement_status))
      .map(({ id, amount, currency, statement_status: status, due_date: dueOn }) => ({
        id,
        accountId,
        amount,
        currency,
        dueOn,
        status,
      }));
  }

  const serviceOf = (displayName: string) => settings.services[displayName] ?? skuOf(displayName);

  return {
    vendor: 'mailprotector',

    async verifyCredentials(call) {
      try {
        const row = await client.get('/resellers/{id}', `/resellers/${reseller}`, resellerSchema, call);
        return { resellerName: row.name };
      } catch (error) {
        throw explain(error, reseller);
      }
    },

    listAccounts,

    async readSignals({ accountIds, signal, ...wanted }) {
      const over = new AbortController();
      const call = { signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal };
      const mine = new Set(accountIds);
      try {
        const unread: NonNullable<Signals['unread']> = [];
        const options = (row: UnreadRow) => {
          const accountId = idOf(row.raw['account']);
          if (accountId === undefined) throw unreadRow(`/resellers/${reseller}/domains`, row);
          if (wanted.pendingDomains) unread.push({ rule: 'domainPending', accountId, code: 'bad_shape' });
          if (wanted.deadSyncs) unread.push({ rule: 'directorySync', accountId, code: 'bad_shape' });
        };
        /** Answers nothing for an account whose read fails, and notes it as unread; the other accounts are still read. */
        const orNone = async <T>(rule: RuleName, accountId: string, read: Promise<T[]>): Promise<T[]> => {
          try {
            return await read;
          } catch (error) {
            const { code } = asRefusal(accountId, error);
            unread.push({ rule, accountId, code });
            return [];
          }
        };
        const readSyncs = (domain: z.infer<typeof domainSchema>) =>
          orNone('directorySync', domain.account.id, deadSyncsOf(domain, call));
        const readStatements = (id: string) => orNone('statementOverdue', id, openStatementsOf(id, call));
        const domains =
          wanted.pendingDomains || wanted.deadSyncs ? await listDomains({ ...call, unread: options }) : [];
        const own = domains.filter((domain) => !domain.parent && mine.has(domain.account.id));
        return {
          unread,
          ...(wanted.pendingDomains ? { pendingDomains: own.filter(isPending).map(pendingOf) } : {}),
          ...(wanted.deadSyncs ? { deadSyncs: (await Promise.all(own.map(readSyncs))).flat() } : {}),
          ...(wanted.openStatements
            ? { openStatements: (await Promise.all(accountIds.map(readStatements))).flat() }
            : {}),
        };
      } finally {
        over.abort();
      }
    },

    async *readUsage({ accountIds, after, signal, ...options }) {
      // Aborts the calls that are still queued when one call fails, or when the caller stops reading.
      const over = new AbortController();
      const call = { ...options, signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal };
      try {
        const ids = (accountIds ?? (await listAccounts(call)).map((account) => account.id))
          .toSorted(byNumber)
          .filter((id) => after === undefined || byNumber(id, after) > 0);
        if (ids.length === 0) return;
        const domains = await domainsByAccount(ids, call);
        const read = (batch: string[]) => {
          const usage = Promise.all(
            batch.map((id) => asPart(id, async () => ({ id, found: await usageOrWhy(id, domains, call) }))),
          );
          // A failure is thrown when this batch is awaited; until then it must not count as an unhandled rejection.
          usage.catch(() => undefined);
          return { batch, usage };
        };
        const batches = Array.from({ length: Math.ceil(ids.length / accountsPerPage) }, (_unused, at) =>
          ids.slice(at * accountsPerPage, (at + 1) * accountsPerPage),
        );
        // Reads one batch ahead, so that the calls go on while a page is committed.
        let ahead = read(batches[0] ?? []);
        for (const following of [...batches.slice(1), undefined]) {
          const { batch, usage: pending } = ahead;
          if (following) ahead = read(following);
          const page: UsagePage = { accountIds: [], counts: [], userTypes: [], unread: [] };
          for (const { id, found } of await pending) {
            if ('why' in found) {
              page.unread.push(found);
              continue;
            }
            page.accountIds.push(id);
            page.counts.push(...found.counts);
            if (settings.countBy === 'users') page.userTypes.push({ accountId: id, counts: found.userTypes });
          }
          const last = batch.at(-1);
          if (last !== undefined && following) page.next = last;
          yield page;
        }
      } finally {
        over.abort();
      }
    },
  };
}

const isPending = (domain: z.infer<typeof domainSchema>) => domain.domain_status.name === 'Pending';

const pendingOf = ({ id, name, account, created_at }: z.infer<typeof domainSchema>) => ({
  id,
  name,
  accountId: account.id,
  createdOn: created_at?.match(/^\d{4}-\d{2}-\d{2}/)?.[0] ?? null,
});

/** Compares ids, which are integers: a longer id is a larger number. */
function byNumber(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function byText([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Makes an error that concerns one account its reason. @throws any error that does not concern this account alone */
function asRefusal(accountId: string, error: unknown): UnreadAccount {
  if (!(error instanceof ConnectorError) || !error.concernsOneThing) throw error;
  // A page in place of an answer does not tell anything about the account.
  if (error.page) throw error.explained({ kind: 'transient', code: 'not_json', detail: error.detail });
  return { accountId, code: error.code, why: error.detail };
}

/** The error for a customer that is no longer listed; it is transient, so that the list of customers is read again. */
function vanished(cause: unknown): never {
  const detail = 'A customer was removed while it was read, so the list of customers is read again.';
  throw new ConnectorError({ kind: 'transient', code: 'incomplete', detail, cause });
}

function explain(error: unknown, reseller: string): unknown {
  if (!(error instanceof ConnectorError)) return error;
  if (error.code === 'not_found') {
    return error.explained({ detail: `Mailprotector knows no reseller ${reseller}. Check the reseller id.` });
  }
  // Mailprotector's errors may come as pages (mailprotector.md §3.2), and no other server's page names this reseller.
  if (error.status === 403 && /virtual administrator/i.test(error.detail)) {
    return error.explained({
      kind: 'permanent',
      code: 'virtual_administrator',
      detail: 'This reseller receives Mailprotector through Virtual Administrator, which cannot use the integration.',
    });
  }
  if (error.code !== 'forbidden') return error;
  return error.explained({
    detail: `This key does not see reseller ${reseller}. Check the reseller id and whose key it is.`,
  });
}
