/** Schemas of ConnectWise's answers: fields that are used are required, all others are let through; nullability in the spec is unreliable (connectwise.md §5.2). */
import { z } from 'zod';

const id = z.int().transform(String);
const ref = z.looseObject({ id, name: z.string().nullish() });
const text = z.string().nullish();
/** Midnight UTC of an existing day (connectwise.md §5.2): a date that cannot be read is an error, so that it is not taken for "no date". */
const day = text.refine((value) => !value || isDay(value), 'is no date');

function isDay(value: string): boolean {
  const date = /^(?!0000)\d{4}-\d{2}-\d{2}(?!\d)/.exec(value)?.[0];
  const at = Date.parse(`${date}T00:00:00Z`);
  return date !== undefined && !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}

export const companyInfoSchema = z.looseObject({ Codebase: z.string() }).nullable();
export const countSchema = z.looseObject({ count: z.int().min(0) });
export const systemInfoSchema = z.looseObject({ version: z.string() });
export const anyRowsSchema = z.array(z.looseObject({}));

export const companySchema = z.looseObject({
  id,
  identifier: text,
  name: z.string(),
  status: z.looseObject({ name: z.string() }).nullish(),
  deletedFlag: z.boolean().nullish(),
  types: z.array(z.looseObject({ name: text })).nullish(),
});

export const catalogItemSchema = z.looseObject({
  id,
  identifier: z.string(),
  description: text,
  inactiveFlag: z.boolean().nullish(),
  productClass: text,
  recurringFlag: z.boolean().nullish(),
});

export const boardSchema = z.looseObject({
  id,
  name: z.string(),
  projectFlag: z.boolean().nullish(),
  inactiveFlag: z.boolean().nullish(),
});

export const boardStatusSchema = z.looseObject({
  id,
  name: z.string(),
  inactive: z.boolean().nullish(),
  closedStatus: z.boolean().nullish(),
  defaultFlag: z.boolean().nullish(),
});

export const boardTypeSchema = z.looseObject({ id, name: z.string(), inactiveFlag: z.boolean().nullish() });

export const prioritySchema = z.looseObject({
  id,
  name: z.string(),
  sortOrder: z.number().nullish(),
  defaultFlag: z.boolean().nullish(),
});

/** A row of a setup table of which nothing but its name matters: a source, a service location. */
export const setupRowSchema = z.looseObject({ id, name: z.string() });

export const ticketSchema = z.looseObject({
  id,
  summary: text,
  status: ref.nullish(),
  company: ref.nullish(),
  closedFlag: z.boolean().nullish(),
  externalXRef: text,
});

export const ticketNoteSchema = z.looseObject({ id, text });

export const agreementSchema = z.looseObject({
  id,
  name: z.string(),
  company: ref,
  agreementStatus: text,
  cancelledFlag: z.boolean().nullish(),
  startDate: day,
  endDate: day,
  noEndingDateFlag: z.boolean().nullish(),
  nextInvoiceDate: day,
  billingCycle: z.looseObject({ name: text }).nullish(),
  currency: z.looseObject({ currencyCode: text, name: text }).nullish(),
  _info: z.looseObject({ lastUpdated: text }).nullish(),
});

export const additionSchema = z.looseObject({
  id,
  product: z.looseObject({ id, identifier: text }),
  quantity: z.number(),
  lessIncluded: z.number().nullish(),
  unitPrice: z.number().nullish(),
  billCustomer: text,
  effectiveDate: day,
  cancelledDate: day,
  description: text,
  agreementStatus: text,
  _info: z.looseObject({ lastUpdated: text }).nullish(),
});

export type Addition = z.infer<typeof additionSchema>;
