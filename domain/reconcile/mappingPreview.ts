/**
 * What another mapping of a service would do to the cards, computed with the code that computes the cards. Pure: nothing
 * is changed by looking.
 */
import { reconcileAccount, type Card, type Combine, type ReconcileInput } from '../reconcile.ts';
import { money as roundMoney, tidy } from '../quantities.ts';
import type { ServiceMapping } from '../serviceMapping.ts';

/** A mapping of a service that is not in force yet. */
export interface MappingWish {
  integrationId: string;
  serviceId: string;
  /** null = mapped to nothing. */
  mapping: ServiceMapping | null;
  /** By product: how the services that feed it would combine; null = nobody has said. */
  combine: Record<string, Combine | null>;
  /** The products whose cards are compared: those of the mapping in force, and those of the wish. */
  productIds: readonly string[];
}

export interface MappingEffect {
  /** PSA accounts of which a number, or what may be approved, becomes another. */
  customers: number;
  /** Usage over the cards of the products; a number that is not known counts as nothing. */
  seats: { before: number; after: number };
  /** PSA accounts that use a product and have no line for it. */
  newRevenue: number;
  /** PSA accounts of which a person must say more before anything can be approved. */
  undecided: number;
  /** By currency, which are never added up: what approving all would change on the next invoices. */
  money: { currency: string | null; before: number; after: number }[];
}

/** @returns the input as it would be with the wish in force */
export function withMapping(input: ReconcileInput, wish: MappingWish): ReconcileInput {
  const others = input.mappings.filter(
    (mapping) => mapping.integrationId !== wish.integrationId || mapping.serviceId !== wish.serviceId,
  );
  const { integrationId, serviceId, mapping } = wish;
  const rules = Object.entries({ ...input.combine, ...wish.combine }).filter(
    (entry): entry is [string, Combine] => entry[1] !== null,
  );
  return {
    ...input,
    mappings: mapping ? [...others, { integrationId, serviceId, ...mapping }] : others,
    combine: Object.fromEntries(rules),
  };
}

/** Adds up the effect of a wish over PSA accounts, one after another. */
export function createEffect(wish: MappingWish): { add: (input: ReconcileInput) => void; effect: () => MappingEffect } {
  const sums: MappingEffect = {
    customers: 0,
    seats: { before: 0, after: 0 },
    newRevenue: 0,
    undecided: 0,
    money: [],
  };
  const isOurs = ({ productId }: Card) => wish.productIds.includes(productId);
  return {
    add(input) {
      const before = reconcileAccount(input).filter(isOurs);
      const after = reconcileAccount(withMapping(input, wish)).filter(isOurs);
      if (JSON.stringify(before.map(whatCounts)) !== JSON.stringify(after.map(whatCounts))) sums.customers += 1;
      if (after.some(({ kind }) => kind === 'new_revenue')) sums.newRevenue += 1;
      if (after.some(({ flags }) => flags.some(({ code }) => code === 'needs_rule' || code === 'needs_choice')))
        sums.undecided += 1;
      for (const [when, cards] of [['before', before] as const, ['after', after] as const]) {
        for (const card of cards) {
          sums.seats[when] = tidy(sums.seats[when] + (card.usage ?? 0));
          for (const { currency, amount } of card.money) addMoney(sums.money, currency, when, amount);
        }
      }
    },
    effect: () => ({
      ...sums,
      money: sums.money
        .filter(({ before, after }) => before !== 0 || after !== 0)
        .toSorted((a, b) => ((a.currency ?? '') < (b.currency ?? '') ? -1 : 1)),
    }),
  };
}

/** What a person sees of a card; where its numbers came from is not part of it. */
const whatCounts = ({ productId, kind, usage, target, current, approvable, flags, money }: Card) => [
  productId,
  kind,
  usage,
  target,
  current,
  approvable,
  flags.map(({ code, reason }) => [code, reason]),
  money,
];

function addMoney(sums: MappingEffect['money'], currency: string | null, when: 'before' | 'after', amount: number) {
  let sum = sums.find((each) => each.currency === currency);
  if (!sum) sums.push((sum = { currency, before: 0, after: 0 }));
  sum[when] = roundMoney(sum[when] + amount);
}
