/** Companies, products, agreements and additions of the world as ConnectWise shows them (connectwise.md §4.1–4.4). */
import type { World, WorldLine, WorldAgreement, WorldCompany } from '../world.ts';
import type { Row } from './answers.ts';
import { agreementTypes, companyStatuses, companyTypes } from './setup.ts';

export interface Placed {
  company: WorldCompany;
  agreement: WorldAgreement;
}

const midnight = (date: string | null) => (date === null ? undefined : `${date}T00:00:00Z`);
const reference = ({ id, name }: Row) => ({ id, name });
/** The row of a setup table by its name. */
const named = (rows: readonly Row[], name: string) => reference(rows.find((row) => row['name'] === name) ?? { name });
const currency = { id: 7, currencyCode: 'USD', name: 'US Dollars' };

/** What ConnectWise calls the kinds of products, and how it bills a line. */
const productClasses = { subscription: 'Agreement', bundle: 'Bundle', work: 'Service' } as const;
export const billCustomers = { billed: 'Billable', notBilled: 'DoNotBill', free: 'NoCharge' } as const;

/** @param info the `_info` of a row by its id */
export function createRows(products: World['products'], info: (id: number) => Row) {
  const productById = new Map(products.map((product) => [product.id, product]));

  return {
    company: (company: WorldCompany): Row => ({
      id: company.id,
      identifier: company.identifier,
      name: company.name,
      status: named(companyStatuses, company.status),
      types: [named(companyTypes, company.type)],
      deletedFlag: false,
      currency: { id: 7, name: 'US Dollars' },
      _info: info(company.id),
    }),

    product: (product: World['products'][number]): Row => ({
      id: product.id,
      identifier: product.identifier,
      description: product.description,
      customerDescription: product.description,
      inactiveFlag: product.inactive,
      productClass: productClasses[product.kind],
      price: product.price,
      cost: product.price / 2,
      recurringFlag: product.kind === 'subscription',
      _info: info(product.id),
    }),

    agreement: ({ company, agreement }: Placed): Row => ({
      id: agreement.id,
      name: agreement.name,
      type: reference(agreementTypes[0] ?? {}),
      company: { id: company.id, identifier: company.identifier, name: company.name },
      agreementStatus: agreement.status,
      cancelledFlag: agreement.status === 'Cancelled',
      startDate: midnight(agreement.startDate),
      noEndingDateFlag: true,
      billingCycle: { id: 2, name: agreement.billingCycle },
      nextInvoiceDate: midnight(agreement.nextInvoiceDate),
      prorateFlag: agreement.prorate ?? false,
      currency,
      _info: info(agreement.id),
    }),

    addition: (agreement: WorldAgreement, addition: WorldLine): Row => {
      const product = productById.get(addition.productId);
      const { quantity, included, unitPrice } = addition;
      const unitCost = addition.unitCost ?? unitPrice / 2;
      const billed = Math.max(0, quantity - included);
      return {
        id: addition.id,
        product: { id: addition.productId, identifier: product?.identifier ?? '' },
        quantity,
        lessIncluded: included,
        billedQuantity: billed,
        unitPrice,
        unitCost,
        // Assumed: what is billed, times its price or cost.
        extPrice: cents(billed * unitPrice),
        extCost: cents(billed * unitCost),
        billCustomer: billCustomers[addition.billing],
        effectiveDate: midnight(addition.from),
        cancelledDate: midnight(addition.until),
        description: addition.description ?? product?.description ?? '',
        ...addition.more,
        agreementId: agreement.id,
        agreementStatus: agreement.status,
        _info: info(addition.id),
      };
    },
  };
}

const cents = (amount: number) => Math.round(amount * 100) / 100;
