/** Deltadesk as a PSA adapter. A product is an item, an agreement a contract, a line a position. */
import { z } from 'zod';
import { ConnectorError } from '../../../../connectors/errors.ts';
import { field } from '../../../../connectors/fields.ts';
import type { LineQuery, PsaAdapter, PsaAgreement, PsaLine, SetQuantity } from '../../../../connectors/psa.ts';
import { versionOf } from '../../../../connectors/rows.ts';
import { compareWriteReadBack } from '../../../../connectors/setQuantity.ts';
import type { CallOptions } from '../../../../connectors/vendor.ts';
import type { PsaCaps } from '../../../../domain/psaCaps.ts';
import { createCaseHalf } from './cases.ts';
import type { DifferencesClient } from './client.ts';
import { grantOf, readAlertRights, readRights } from './rights.ts';

/** A change says by how much and from which day on; it cannot be read again, and counts twice when it is sent twice. */
const differencesCaps: PsaCaps = {
  decimals: 0,
  takesEffect: 'dated',
  writes: 'difference',
  proration: 'perLine',
  searchesReference: false,
  zero: 'taken',
  agreementsPerList: 4,
};

export const differencesSettings = z.strictObject({
  origin: field(z.enum(['program', 'mail']).default('program'), {
    label: 'Origin of the cases of alerts',
    where: 'What Deltadesk shows of a case as the place where it came from.',
    choices: { program: 'A program', mail: 'Mail' },
    ofTickets: 'fixed',
  }),
  place: field(z.string().max(20).default(''), {
    label: 'Place of the cases of alerts',
    where: 'Where the work of a case is done: Office > Lists > Places.',
    ofTickets: 'listed',
  }),
});

const no = z.int().transform(String);
const day = z.iso.date();
/** Rows are known by `no`; lists need an `id`. */
const numbered = <T extends { no: string }>(row: T) => ({ ...row, id: row.no });

const clientSchema = z
  .looseObject({ no, code: z.string(), title: z.string(), live: z.boolean(), stage: z.string() })
  .transform(numbered);
const itemSchema = z
  .looseObject({ no, code: z.string(), title: z.string(), sold: z.boolean(), form: z.string() })
  .transform(numbered);
const contractSchema = z
  .looseObject({
    no,
    client: no,
    title: z.string(),
    state: z.enum(['running', 'stopped', 'cancelled', 'over']),
    every: z.enum(['month', 'year', 'never']),
    unbilledFrom: day,
    begins: day,
    currency: z.string(),
  })
  .transform(numbered);
const positionSchema = z
  .looseObject({
    no,
    contract: no,
    item: no,
    text: z.string().nullable(),
    units: z.int(),
    each: z.number(),
    charged: z.boolean(),
    from: day,
    to: day.nullable(),
    counted: z.boolean(),
  })
  .transform(numbered);
const queueSchema = z.looseObject({ no, title: z.string(), retired: z.boolean() }).transform(numbered);
const changeSchema = z.looseObject({ no });

export function createDifferencesAdapter(
  client: DifferencesClient,
  settings: z.output<typeof differencesSettings>,
): PsaAdapter {
  async function getLine({ lineId, asOf, signal }: LineQuery & CallOptions): Promise<PsaLine | null> {
    try {
      const { data } = await client.ask('GET', {
        route: '/positions/{no}',
        path: `/positions/${encodeURIComponent(lineId)}`,
        query: { day: asOf ?? today() },
        schema: positionSchema,
        signal,
      });
      return lineOf(data);
    } catch (error) {
      return gone(error);
    }
  }

  const postChange = (
    { lineId, effectiveDate, to, operationId, claim, signal }: SetQuantity & CallOptions,
    line: PsaLine,
  ) => {
    if (effectiveDate === undefined) {
      const detail = 'Deltadesk takes a change from a day on, and none was signed off.';
      throw new ConnectorError({ kind: 'permanent', code: 'invalid_request', detail });
    }
    return client.ask('POST', {
      route: '/changes',
      path: '/changes',
      body: { position: Number(lineId), day: effectiveDate, by: to - line.quantity, note: operationId },
      schema: changeSchema,
      signal,
      sendBefore: claim,
    });
  };

  return {
    caps: differencesCaps,

    checkPermissions: (call) => readRights(client, call),
    checkAlertPermissions: (call) => readAlertRights(client, call),

    async *listAccounts(call) {
      for await (const rows of client.list('/clients', clientSchema, call)) {
        yield rows.map(({ id, code, title, live, stage }) => ({
          id,
          code,
          name: title,
          active: live,
          prospect: stage === 'lead',
        }));
      }
    },

    async *listProducts(call) {
      for await (const rows of client.list('/items', itemSchema, call)) {
        yield rows.map(({ id, code, title, sold, form }) => ({
          id,
          productId: code,
          name: title,
          active: sold,
          recurring: form === 'subscription',
          usableOnContract: form !== 'package',
        }));
      }
    },

    async *listAgreements(call) {
      for await (const rows of client.list('/contracts', contractSchema, call)) yield rows.map(agreementOf);
    },

    async *listBoards(call) {
      for await (const rows of client.list('/queues', queueSchema, call)) {
        yield rows.map(({ id, title, retired }) => ({ id, name: title, projectBoard: false, active: !retired }));
      }
    },

    async listLines({ agreementIds, asOf, ...call }) {
      const query = { contracts: agreementIds.join(','), day: asOf ?? today() };
      const lines: PsaLine[] = [];
      for await (const rows of client.list('/positions', positionSchema, call, query)) lines.push(...rows.map(lineOf));
      return lines;
    },

    getLine,

    async getAgreement({ agreementId, signal }) {
      try {
        const { data } = await client.ask('GET', {
          route: '/contracts/{no}',
          path: `/contracts/${encodeURIComponent(agreementId)}`,
          schema: contractSchema,
          signal,
        });
        return agreementOf(data);
      } catch (error) {
        return gone(error);
      }
    },

    setQuantity: (command) =>
      compareWriteReadBack(
        { psa: 'Deltadesk', grant: grantOf('lines.write'), getLine, send: async (to, line) => postChange(to, line) },
        command,
      ),

    ...createCaseHalf(client, settings, gone),
  };
}

/** @returns null when the row is gone; throws any other failure */
function gone(error: unknown): null {
  if (error instanceof ConnectorError && error.code === 'not_found' && !error.page) return null;
  throw error;
}

const today = () => new Date().toISOString().slice(0, 10);

const states = { running: 'active', stopped: 'inactive', cancelled: 'cancelled', over: 'expired' } as const;

function agreementOf(row: z.output<typeof contractSchema>): PsaAgreement {
  return {
    id: row.id,
    accountId: row.client,
    name: row.title,
    status: states[row.state],
    nextInvoiceDate: row.unbilledFrom,
    startDate: row.begins,
    billingCycle: row.every,
    monthly: row.every === 'month',
    neverBilled: row.every === 'never',
    currency: row.currency,
  };
}

function lineOf(row: z.output<typeof positionSchema>): PsaLine {
  const line: Omit<PsaLine, 'version'> = {
    id: row.id,
    agreementId: row.contract,
    productId: row.item,
    ...(row.text === null ? {} : { description: row.text }),
    quantity: row.units,
    unitPrice: row.each,
    ...(row.counted ? { notWritable: 'calculated' as const } : {}),
    billing: row.charged ? 'billable' : 'no_charge',
    effectiveFrom: row.from,
    ...(row.to === null ? {} : { effectiveTo: row.to }),
    status: 'active',
  };
  return { ...line, version: versionOf(line) };
}
