/**
 * Makes one believable MSP, seen from both sides: what Mailprotector knows about its customers, and what its PSA bills them.
 * Everything follows from a seed and a size, so two programs that share only these agree. Rows that a test looks for carry a
 * `story`.
 */
import { createRandom } from './random.ts';
import { specialCustomers, type Story } from './stories.ts';

export interface WorldGroup {
  id: number;
  name: string;
  /** Mailprotector's display names of the services on the group. */
  services: string[];
  /** The number of users of type User; users of other types are added to these. */
  users: number;
}

export interface WorldDomain {
  id: number;
  name: string;
  pending: boolean;
  /** Alias domains of this one. */
  aliases: { id: number; name: string }[];
  groups: WorldGroup[];
}

export interface WorldCustomer {
  id: number;
  name: string;
  story: Story;
  domains: WorldDomain[];
}

export interface WorldLine {
  id: number;
  productId: number;
  quantity: number;
  /** The part of the quantity that is not billed. */
  included: number;
  unitPrice: number;
  billing: 'billed' | 'notBilled' | 'free';
  /** YYYY-MM-DD: the first day on which it is billed. */
  from: string;
  /** YYYY-MM-DD: the first day on which it is not billed any more; null = it has no end. */
  until: string | null;
  /** Absent or null: half the price, and the product's description. */
  unitCost?: number | null;
  description?: string | null;
  /** Other fields that were written through the API. */
  more?: Record<string, unknown> | null;
}

export interface WorldAgreement {
  id: number;
  name: string;
  status: 'Active' | 'Cancelled' | 'Expired' | 'Inactive';
  billingCycle: string;
  nextInvoiceDate: string;
  startDate: string;
  /** Whether lines in the middle of an invoiced period are billed in part; absent = no. */
  prorate?: boolean;
  lines: WorldLine[];
}

export interface WorldCompany {
  id: number;
  identifier: string;
  name: string;
  type: 'Client' | 'Prospect';
  status: 'Active' | 'Inactive';
  story: Story;
  agreements: WorldAgreement[];
}

export interface WorldProduct {
  id: number;
  identifier: string;
  description: string;
  kind: 'subscription' | 'bundle' | 'work';
  price: number;
  inactive: boolean;
}

export interface World {
  seed: number;
  reseller: { id: number; name: string };
  provider: { id: number; name: string };
  customers: WorldCustomer[];
  companies: WorldCompany[];
  products: WorldProduct[];
}

/** For each display name in Mailprotector the Product ID in the PSA, and its price. */
export const serviceProducts: { display: string; productId: string; price: number }[] = [
  { display: 'CloudFilter Email Security', productId: 'MP-CLOUDFILTER', price: 2 },
  { display: 'SafeSend Outbound', productId: 'MP-SAFESEND', price: 1 },
  { display: 'XtraMail Email Continuity', productId: 'MP-XTRAMAIL', price: 1.25 },
  { display: 'SecureStore', productId: 'MP-SECURESTORE', price: 3.5 },
  { display: 'Bracket', productId: 'MP-BRACKET', price: 4.1 },
  { display: 'CloudMail', productId: 'MP-CLOUDMAIL', price: 4.75 },
];

/**
 * @param options.customers the number of customers; the stories come first, as many as fit
 * @param options.today YYYY-MM-DD; invoice dates are after it
 */
export function makeWorld(options: { seed: number; customers: number; today?: string }): World {
  const today = options.today ?? new Date().toISOString().slice(0, 10);
  const random = createRandom(options.seed);
  const products = makeProducts();
  const productOf = new Map(products.map((product) => [product.identifier, product]));
  const customers: WorldCustomer[] = [];
  const companies: WorldCompany[] = [];
  const nextInvoiceDate = firstOfNextMonth(today);
  const specials = specialCustomers();

  for (let index = 0; index < options.customers; index++) {
    const special = specials[index];
    const name = special?.name ?? ordinaryName(index, random);
    const story = special?.story ?? 'exact';
    const id = 4_000 + index;
    const used = special?.services ?? pickServices(random);
    const users = special?.users ?? 3 + random.below(60);
    const domains = makeDomains(id, index, name, used, users, story, random);
    customers.push({ id, name, story, domains });
    if (special?.psaNames === undefined || special.psaNames.length > 0) {
      for (const [at, psaName] of (special?.psaNames ?? [name]).entries()) {
        companies.push(makeCompany(companies.length, psaName, story, at));
      }
    }
    const company = companies.at(-1);
    if (!company || (special?.psaNames && special.psaNames.length === 0)) continue;
    fillAgreements({ company, index, story, domains, random, today, nextInvoiceDate, productOf });
  }
  companies.push(makeCompany(companies.length, 'Catchall (internal)', 'unrelated', 0));
  return {
    seed: options.seed,
    reseller: { id: 500, name: 'Acme Managed IT' },
    provider: { id: 65, name: 'United States' },
    customers,
    companies,
    products,
  };
}

/** How many users a customer has on a service, as Mailprotector counts them. */
export function usersOf(customer: Pick<WorldCustomer, 'domains'>, display: string): number {
  return customer.domains
    .filter((domain) => !domain.pending)
    .flatMap((domain) => domain.groups)
    .filter((group) => group.services.includes(display))
    .reduce((sum, group) => sum + group.users, 0);
}

function makeDomains(
  id: number,
  index: number,
  name: string,
  services: string[],
  users: number,
  story: Story,
  random: ReturnType<typeof createRandom>,
): WorldDomain[] {
  const slug =
    name
      .normalize('NFKD')
      .replace(/[^\w]+/g, '')
      .toLowerCase()
      .slice(0, 20) || 'customer';
  const base = 9_000_000 + index * 10;
  const split = users > 10 ? Math.floor(users * 0.2) : 0;
  const groups: WorldGroup[] = [{ id: 7_000_000 + index * 10, name: 'Default', services, users: users - split }];
  if (split > 0) groups.push({ id: 7_000_001 + index * 10, name: 'Executives', services, users: split });
  const domains: WorldDomain[] = [
    {
      id: base,
      name: `${slug}-${id}.example`,
      pending: false,
      aliases:
        random.below(4) === 0 || story === 'alias' ? [{ id: base + 1, name: `${slug}-${id}-alias.example` }] : [],
      groups,
    },
  ];
  if (story === 'pending') {
    domains.push({
      id: base + 2,
      name: `new-${slug}-${id}.example`,
      pending: true,
      aliases: [],
      groups: [{ id: 7_000_002 + index * 10, name: 'Default', services, users: 4 }],
    });
  }
  return domains;
}

function makeCompany(at: number, name: string, story: Story, copy: number): WorldCompany {
  return {
    id: 20 + at,
    identifier: `C${String(at).padStart(6, '0')}`,
    name,
    type: story === 'prospect' ? 'Prospect' : 'Client',
    status: story === 'inactive' && copy === 0 ? 'Inactive' : 'Active',
    story,
    agreements: [],
  };
}

function fillAgreements(input: {
  company: WorldCompany;
  index: number;
  story: Story;
  domains: WorldDomain[];
  random: ReturnType<typeof createRandom>;
  today: string;
  nextInvoiceDate: string;
  productOf: Map<string, WorldProduct>;
}): void {
  const { company, index, story, domains, random, nextInvoiceDate, productOf } = input;
  const agreement = (offset: number, name: string, over: Partial<WorldAgreement> = {}): WorldAgreement => {
    const made: WorldAgreement = {
      id: 300_000 + index * 4 + offset,
      name,
      status: 'Active',
      billingCycle: 'Monthly',
      nextInvoiceDate,
      startDate: '2024-01-01',
      lines: [],
      ...over,
    };
    company.agreements.push(made);
    return made;
  };
  const main = agreement(0, 'Managed Services', mainAgreement(story));
  const second = story === 'twoAgreements' ? agreement(1, 'Email Security') : undefined;
  let next = 1_000_000 + index * 20;
  const add = (to: WorldAgreement, productId: string, quantity: number, over: Partial<WorldLine> = {}) => {
    const product = productOf.get(productId);
    if (!product) return;
    to.lines.push({
      id: next++,
      productId: product.id,
      quantity,
      included: 0,
      unitPrice: product.price,
      billing: 'billed',
      from: '2024-01-01',
      until: null,
      ...over,
    });
  };

  const services = [...new Set(domains.flatMap((domain) => domain.groups).flatMap((group) => group.services))];
  for (const display of services) {
    const product = serviceProducts.find((candidate) => candidate.display === display);
    if (!product) continue;
    const used = usersOf({ domains }, display);
    // Most bills are right; the others are a few users off, in either direction.
    const drift = random.below(10) < 6 ? 0 : random.below(2) === 0 ? -1 - random.below(5) : 1 + random.below(4);
    const billed = Math.max(0, used + drift);
    addStory(story, { main, second, billed, used, productId: product.productId, add, nextInvoiceDate, random });
  }
  if (random.below(3) === 0) add(main, `OTHER-${10 + random.below(40)}`, 1 + random.below(20));
}

function mainAgreement(story: Story): Partial<WorldAgreement> {
  switch (story) {
    case 'prepaid':
      return { billingCycle: 'Annual', name: 'Prepaid Year' };
    case 'cancelledAgreement':
      return { status: 'Cancelled' };
    case 'neverBilled':
      return { billingCycle: 'None' };
    default:
      return {};
  }
}

function addStory(
  story: Story,
  input: {
    main: WorldAgreement;
    second: WorldAgreement | undefined;
    billed: number;
    used: number;
    productId: string;
    nextInvoiceDate: string;
    random: ReturnType<typeof createRandom>;
    add: (to: WorldAgreement, productId: string, quantity: number, over?: Partial<WorldLine>) => void;
  },
): void {
  switch (story) {
    case 'newRevenue':
      return;
    case 'duplicateLines':
      input.add(input.main, input.productId, Math.ceil(input.billed / 2));
      input.add(input.main, input.productId, Math.floor(input.billed / 2) + 1);
      return;
    case 'twoAgreements':
      input.add(input.main, input.productId, Math.ceil(input.billed / 2));
      if (input.second) input.add(input.second, input.productId, Math.floor(input.billed / 2) + 2);
      return;
    case 'successor':
      // The first line ends with this period; its successor starts with the next, and is the one that the next invoice bills.
      input.add(input.main, input.productId, input.billed, { until: input.nextInvoiceDate });
      input.add(input.main, input.productId, input.billed + 1, { from: input.nextInvoiceDate });
      return;
    case 'included':
      input.add(input.main, input.productId, input.used + 2, { included: 5 });
      return;
    case 'downToZero':
      input.add(input.main, input.productId, 5);
      return;
    case 'noCharge':
      input.add(input.main, input.productId, input.used + 1, { billing: 'free' });
      return;
    case 'exact':
      // Some customers use a service that is not on their agreement yet.
      if (input.random.below(20) === 0) return;
      input.add(input.main, input.productId, input.billed);
      return;
    default:
      input.add(input.main, input.productId, input.used + 3);
  }
}

function makeProducts(): WorldProduct[] {
  const products: WorldProduct[] = serviceProducts.map(({ display, productId, price }, at) => ({
    id: 100 + at,
    identifier: productId,
    description: display,
    kind: 'subscription',
    price,
    inactive: false,
  }));
  products.push({
    id: 120,
    identifier: 'MP-"Q"-1',
    description: 'A Product ID with quotes',
    kind: 'subscription',
    price: 1,
    inactive: false,
  });
  products.push({
    id: 121,
    identifier: 'MP-SUITE',
    description: 'E-mail suite (bundle)',
    kind: 'bundle',
    price: 9,
    inactive: false,
  });
  products.push({
    id: 122,
    identifier: 'MP-OLD',
    description: 'No longer sold',
    kind: 'subscription',
    price: 2,
    inactive: true,
  });
  for (let at = 0; at < 60; at++) {
    products.push({
      id: 200 + at,
      identifier: `OTHER-${at}`,
      description: `Other product ${at}`,
      kind: 'work',
      price: 5 + at,
      inactive: false,
    });
  }
  return products;
}

function pickServices(random: ReturnType<typeof createRandom>): string[] {
  const picked = ['CloudFilter Email Security'];
  for (const { display } of serviceProducts.slice(1)) if (random.below(3) === 0) picked.push(display);
  return picked;
}

const firstWords = [
  'North',
  'River',
  'Summit',
  'Harbor',
  'Cedar',
  'Lake',
  'Stone',
  'Union',
  'Valley',
  'Bright',
  'Iron',
  'Maple',
];
const secondWords = ['wind', 'side', 'view', 'ridge', 'field', 'gate', 'port', 'well', 'brook', 'ford'];
const trades = [
  'Dental',
  'Legal',
  'Logistics',
  'Clinic',
  'Foods',
  'Builders',
  'Advisors',
  'Motors',
  'Studios',
  'Bakery',
];

function ordinaryName(index: number, random: ReturnType<typeof createRandom>): string {
  const first = firstWords[random.below(firstWords.length)] ?? '';
  const second = secondWords[random.below(secondWords.length)] ?? '';
  return `${first}${second} ${trades[random.below(trades.length)] ?? ''} ${index}`;
}

function firstOfNextMonth(today: string): string {
  const [year = 2000, month = 1] = today.split('-').map(Number);
  return month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, '0')}-01`;
}
