/** One customer as a biller knows it: CloudFilter, one monthly agreement, one line. Tests say only what differs. */
import {
  reconcileAccount,
  type AccountRule,
  type AgreementInput,
  type Card,
  type LineInput,
  type ReconcileInput,
  type ServiceMappingInput,
  type UsageInput,
} from '../../../domain/reconcile.ts';

export const product = 'MP-CLOUDFILTER';

export function count(over: Partial<UsageInput> = {}): UsageInput {
  return {
    integrationId: 'mailprotector',
    vendorAccountId: 'northwind',
    serviceId: 'CloudFilter',
    quantity: 12,
    parts: [],
    source: 'pull',
    runId: 'run-1',
    asOf: '2026-11-24T08:00:00.000Z',
    swing: false,
    notReportedSince: null,
    ...over,
  };
}

export function mapping(over: Partial<ServiceMappingInput> = {}): ServiceMappingInput {
  return {
    integrationId: 'mailprotector',
    serviceId: 'CloudFilter',
    productIds: [product],
    fanOut: 'parts',
    rounding: 'none',
    ...over,
  };
}

export function agreement(over: Partial<AgreementInput> = {}): AgreementInput {
  return {
    id: 'managed',
    name: 'Managed Services',
    status: 'active',
    nextInvoiceDate: '2026-12-01',
    endDate: null,
    billingCycle: 'Monthly',
    monthly: true,
    neverBilled: false,
    currency: 'USD',
    ...over,
  };
}

export function line(over: Partial<LineInput> = {}): LineInput {
  return {
    id: 'line-1',
    agreementId: 'managed',
    productId: product,
    quantity: 10,
    includedQuantity: 0,
    unitPrice: 2,
    billing: 'billable',
    effectiveFrom: '2024-01-01',
    effectiveTo: null,
    status: 'active',
    version: 'v1',
    ...over,
  };
}

export function customer(over: Partial<ReconcileInput> = {}): ReconcileInput {
  return {
    account: { active: true, prospect: false },
    today: '2026-11-24',
    usage: [count()],
    mappings: [mapping()],
    combine: {},
    quantityDecimals: 4,
    agreements: [agreement()],
    lines: [line()],
    unread: [],
    decisions: {},
    ...over,
  };
}

/** The card of a product; there must be one. */
export function cardOf(over: Partial<ReconcileInput> = {}, productId = product): Card {
  const card = reconcileAccount(customer(over)).find((each) => each.productId === productId);
  if (!card) throw new Error(`There is no card for ${productId}.`);
  return card;
}

export function reasonsOf(card: Card): string[] {
  return card.flags.map((flag) => `${flag.code}: ${flag.reason}`);
}

export const agreed = (rule: Partial<AccountRule>): AccountRule => ({ reason: 'agreed', author: 'Pat', ...rule });
export const ruled = (rule: Partial<AccountRule>) => ({ decisions: { [product]: { rule: agreed(rule) } } });
