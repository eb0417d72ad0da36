/** ConnectWise as a PSA adapter. A product is a catalogue item, a line is an addition (connectwise.md §4). */
import { z } from 'zod';
import type { PsaCaps } from '../../domain/psaCaps.ts';
import { maxDecimals } from '../../domain/quantities.ts';
import { ConnectorError } from '../errors.ts';
import { field } from '../fields.ts';
import type { LineQuery, PsaAdapter, PsaAgreement, PsaLine } from '../psa.ts';
import { compareWriteReadBack, type LineWriter } from '../setQuantity.ts';
import type { CallOptions, UnreadRow } from '../vendor.ts';
import { mayBeFull } from '../incomplete.ts';
import { handOver, idOf, readRows, versionOf } from '../rows.ts';
import { rowsPerPage, type ConnectwiseClient } from './client.ts';
import { grantOf, readAlertPermissions, readPermissions } from './permissions.ts';
import {
  additionSchema,
  agreementSchema,
  boardSchema,
  catalogItemSchema,
  companySchema,
  systemInfoSchema,
  type Addition,
} from './schemas.ts';
import { createTicketHalf } from './tickets.ts';
import { ticketSettings, type TicketSettings } from './ticketSettings.ts';

/** Settings for what ConnectWise's documentation leaves open. */
export const connectwiseSettings = z.strictObject({
  /** A quantity is a double in the API (connectwise.md §4.4); that ConnectWise keeps two decimals is not documented. */
  quantityDecimals: field(z.int().min(0).max(maxDecimals).default(2), {
    label: 'Decimals of a quantity',
    where: 'How many decimals ConnectWise keeps of the quantity of an addition. Targets are rounded to them.',
  }),
  ...ticketSettings,
});

/** A PATCH says the quantity and no day (§5.1); lines have dates of their own, so they are read whatever the day is. */
const connectwiseCaps: PsaCaps = {
  decimals: 2,
  takesEffect: 'at_once',
  writes: 'absolute',
  proration: 'none',
  searchesReference: true,
  zero: 'taken',
  agreementsPerList: 1,
};

export function createConnectwiseAdapter(
  client: ConnectwiseClient,
  settings: TicketSettings = connectwiseSettings.parse({}),
): PsaAdapter {
  async function getLine(query: LineQuery & CallOptions): Promise<PsaLine | null> {
    try {
      const { data } = await client.request({
        method: 'GET',
        ...lineRoute(query),
        schema: additionSchema,
        signal: query.signal,
      });
      if (data.id !== query.lineId) throw anotherRow(query.lineId, data.id);
      return lineOf(query.agreementId, data);
    } catch (error) {
      return gone(error, query.signal);
    }
  }

  /**
   * Decides whether a failed read means that the row is gone. A 404 counts only if the API itself gave it, not a page.
   *
   * @returns null when the row is gone; throws any other failure
   */
  async function gone(error: unknown, signal: AbortSignal | undefined): Promise<null> {
    if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
    if (error.page) throw error.explained({ kind: 'transient', code: 'not_json', detail: error.detail });
    await assertCredentials(signal);
    return null;
  }

  /** On cloud a 404 may really mean refused credentials (§3): a row is gone only if the credentials still work. */
  async function assertCredentials(signal: AbortSignal | undefined): Promise<void> {
    try {
      await client.request({
        method: 'GET',
        route: '/system/info',
        path: '/system/info',
        schema: systemInfoSchema,
        signal,
      });
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
      if (error.page) throw error.explained({ kind: 'transient', code: 'not_json', detail: error.detail });
      throw error.explained({
        code: 'bad_credentials',
        detail: 'ConnectWise answers 404 to everything: the keys, or the address, are no longer good.',
      });
    }
  }

  const lineWriter: LineWriter = {
    psa: 'ConnectWise',
    grant: grantOf('lines.write'),
    getLine,
    // ConnectWise's JSON Patch takes a bare field name as path, and answers with the whole record (§5.1).
    send: (command) =>
      client.request({
        method: 'PATCH',
        ...lineRoute(command),
        body: [{ op: 'replace', path: 'quantity', value: command.to }],
        schema: additionSchema,
        signal: command.signal,
        sendBefore: command.claim,
      }),
  };

  return {
    caps: connectwiseCaps,

    checkPermissions: (call) => readPermissions(client, call),
    checkAlertPermissions: (call) => readAlertPermissions(client, call),

    async *listAccounts(call) {
      const rows = client.list('/company/companies', { conditions: 'deletedFlag=false' }, companySchema, call);
      for await (const batch of rows) {
        yield batch.map((company) => ({
          id: company.id,
          ...(company.identifier ? { code: company.identifier } : {}),
          name: company.name,
          active: !company.deletedFlag && !/inactive/i.test(company.status?.name ?? ''),
          prospect: isProspect(company),
        }));
      }
    },

    async *listProducts(call) {
      for await (const batch of client.list('/procurement/catalog', {}, catalogItemSchema, call))
        yield batch.map(productOf);
    },

    async *listAgreements(call) {
      const unread = call?.unread;
      const withAccount = unread && { unread: (row: UnreadRow) => unread({ ...row, ...accountOf(row) }) };
      for await (const batch of client.list('/finance/agreements', {}, agreementSchema, { ...call, ...withAccount }))
        yield batch.map(agreementOf);
    },

    async *listBoards(call) {
      // `info/boards` needs ticket rights only; `boards` is a setup table (§4.5).
      for await (const batch of client.list('/service/info/boards', {}, boardSchema, call)) {
        yield batch.map((board) => ({
          id: board.id,
          name: board.name,
          projectBoard: board.projectFlag ?? false,
          active: !board.inactiveFlag,
        }));
      }
    },

    async listLines({ agreementIds, ...call }) {
      const lines: PsaLine[] = [];
      for (const agreementId of agreementIds) lines.push(...(await linesOf(agreementId, call)));
      return lines;
    },

    getLine,

    async getAgreement({ agreementId, signal }) {
      try {
        const { data } = await client.request({
          method: 'GET',
          route: '/finance/agreements/{id}',
          path: `/finance/agreements/${encodeURIComponent(agreementId)}`,
          schema: agreementSchema,
          signal,
        });
        return agreementOf(data);
      } catch (error) {
        return gone(error, signal);
      }
    },

    setQuantity: (command) => compareWriteReadBack(lineWriter, command),

    ...createTicketHalf(client, settings, gone),
  };

  async function linesOf(agreementId: string, call: CallOptions): Promise<PsaLine[]> {
    const route = '/finance/agreements/{id}/additions';
    const path = `/finance/agreements/${encodeURIComponent(agreementId)}/additions`;
    const { data, headers } = await client.request({
      method: 'GET',
      route,
      path,
      query: { pageSize: rowsPerPage },
      schema: z.array(z.unknown()),
      signal: call.signal,
    });
    // One call is enough for nearly every agreement. If the header says that there is more, or the page may be full and the
    // header lost, the lines are read like any long list.
    const more = /rel="?next"?/.test(headers.get('link') ?? '') || mayBeFull(data.length, rowsPerPage);
    const toLine = (addition: Addition) => lineOf(agreementId, addition);
    if (!more) return handOver(readRows(data, additionSchema, path), path, call).map(toLine);
    const lines: PsaLine[] = [];
    for await (const batch of client.list(route, {}, additionSchema, call, path)) lines.push(...batch.map(toLine));
    return lines;
  }
}

/** The account of an agreement of which another field cannot be read. */
function accountOf({ raw }: UnreadRow): { accountId?: string } {
  const accountId = idOf(raw['company']);
  return accountId === undefined ? {} : { accountId };
}

/** The error for an answer that holds another row than was asked for; a cache in between may mix answers up. */
function anotherRow(wanted: string, came: string): ConnectorError {
  const detail = `ConnectWise was asked for ${wanted} and answered with ${came}.`;
  return new ConnectorError({ kind: 'transient', code: 'bad_shape', detail });
}

function lineRoute({ agreementId, lineId }: { agreementId: string; lineId: string }) {
  return {
    route: '/finance/agreements/{id}/additions/{id}',
    path: `/finance/agreements/${encodeURIComponent(agreementId)}/additions/${encodeURIComponent(lineId)}`,
  };
}

/** Whether all types of a company are for prospects. Partners name the types themselves, so this looks for the words. */
function isProspect(company: z.infer<typeof companySchema>): boolean {
  const types = (company.types ?? []).map((type) => type.name ?? '');
  return types.length > 0 && types.every((name) => /prospect|lead/i.test(name));
}

function productOf(item: z.infer<typeof catalogItemSchema>) {
  return {
    id: item.id,
    productId: item.identifier,
    name: item.description ?? item.identifier,
    active: !item.inactiveFlag,
    ...(typeof item.recurringFlag === 'boolean' ? { recurring: item.recurringFlag } : {}),
    // A bundle cannot be an addition (§4.2).
    usableOnContract: item.productClass !== 'Bundle',
  };
}

function agreementOf(row: z.infer<typeof agreementSchema>): PsaAgreement {
  const cycle = row.billingCycle?.name ?? undefined;
  const nextInvoiceDate = dateOf(row.nextInvoiceDate);
  const startDate = dateOf(row.startDate);
  const endDate = row.noEndingDateFlag ? undefined : dateOf(row.endDate);
  const currency = row.currency?.currencyCode ?? row.currency?.name ?? undefined;
  return {
    id: row.id,
    accountId: row.company.id,
    name: row.name,
    status: row.cancelledFlag ? 'cancelled' : statusOf(row.agreementStatus),
    ...(nextInvoiceDate ? { nextInvoiceDate } : {}),
    ...(startDate ? { startDate } : {}),
    ...(endDate ? { endDate } : {}),
    ...(cycle ? { billingCycle: cycle } : {}),
    monthly: /^monthly$/i.test(cycle ?? ''),
    neverBilled: /^none$/i.test(cycle ?? ''),
    ...(currency ? { currency } : {}),
    ...(row._info?.lastUpdated ? { version: row._info.lastUpdated } : {}),
  };
}

function lineOf(agreementId: string, addition: Addition): PsaLine {
  const effectiveFrom = dateOf(addition.effectiveDate);
  const effectiveTo = dateOf(addition.cancelledDate);
  const line: Omit<PsaLine, 'version'> = {
    id: addition.id,
    agreementId,
    productId: addition.product.id,
    ...(addition.description ? { description: addition.description } : {}),
    quantity: addition.quantity,
    includedQuantity: addition.lessIncluded ?? 0,
    unitPrice: addition.unitPrice ?? 0,
    billing:
      addition.billCustomer === 'DoNotBill'
        ? 'do_not_bill'
        : addition.billCustomer === 'NoCharge'
          ? 'no_charge'
          : 'billable',
    ...(effectiveFrom ? { effectiveFrom } : {}),
    ...(effectiveTo ? { effectiveTo } : {}),
    // An addition's status is spelled like an agreement's (§4.4); an absent status counts as active.
    status: statusOf(addition.agreementStatus),
  };
  return { ...line, version: addition._info?.lastUpdated ?? versionOf(line) };
}

function statusOf(status: string | null | undefined): PsaAgreement['status'] {
  switch (status) {
    case 'Cancelled':
      return 'cancelled';
    case 'Expired':
      return 'expired';
    case 'Inactive':
      return 'inactive';
    default:
      return 'active';
  }
}

/** The day of a date. ConnectWise gives midnight UTC of the day; converting to a local time zone could move it by a day (§5.2). */
function dateOf(value: string | null | undefined): string | undefined {
  return value?.match(/^\d{4}-\d{2}-\d{2}/)?.[0];
}
