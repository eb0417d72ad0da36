/**
 * Decisions of a person about a card: to dismiss it, to pick the line that takes the difference, to set the rule that
 * computes it.
 */
import type { Transaction } from '../db/client.ts';
import { decideCard, findCard } from '../db/queries/cards.ts';
import type { AccountRule, Decision } from '../domain/reconcile.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

type FoundCard = NonNullable<Awaited<ReturnType<typeof findCard>>>;
type CardChange = Parameters<typeof decideCard>[2];
type CardCommand<Input> = Command<Input & { id: string }, { card: FoundCard }>;

interface Dismissal {
  until: 'change' | 'period' | 'date';
  /** YYYY-MM-DD; only where `until` is `date`. */
  date?: string | undefined;
  reason: string;
}

/**
 * Dismisses a card until a number changes, for this period, or until a date.
 *
 * @param input.dismissal null = withdraw the dismissal
 * @throws Refusal when there is no such card, or the end of the dismissal is not known
 */
export const dismissCard: CardCommand<{ dismissal: Dismissal | null }> = (tx, actor, { id, dismissal }) =>
  decide(tx, actor, id, dismissal ? 'card.dismiss' : 'card.undismiss', (found) => ({
    dismissal: dismissal && dismissalOf(found, dismissal),
  }));

function dismissalOf(found: FoundCard, { until, date, reason }: Dismissal): NonNullable<Decision['dismissal']> {
  const { target, current } = found.card;
  if (until === 'change') return { until, target, current, reason };
  const [period] = found.card.detail.explanation.linesAsOf;
  const before = until === 'date' ? date : period;
  if (before === undefined)
    throw new Refusal('impossible', 'no-date', 'Give the date until which the card is dismissed.', [
      { field: 'date', message: 'is needed' },
    ]);
  return { until: 'date', before, reason };
}

/**
 * Picks the line that takes the difference; among alternative lines, the line that takes the count.
 *
 * @param input.lineId the PSA's own id; null = withdraw the pick
 * @throws Refusal when there is no such card or line
 */
export const pickLine: CardCommand<{ lineId: string | null }> = (tx, actor, { id, lineId }) =>
  decide(tx, actor, id, 'card.line', (found) => {
    if (lineId !== null && !found.card.detail.lines.some((line) => line.lineId === lineId))
      throw new Refusal('impossible', 'unknown-line', 'The card has no active line with this id.');
    return { lineId };
  });

/**
 * Sets the rule of this account × product.
 *
 * @param input.rule null = withdraw the rule
 * @throws Refusal when there is no such card
 */
export const ruleCard: CardCommand<{ rule: Omit<AccountRule, 'author'> | null }> = (tx, actor, { id, rule }) =>
  decide(tx, actor, id, 'card.rule', () => ({ rule: rule && { ...rule, author: actor.name } }));

async function decide(
  tx: Transaction,
  actor: Actor,
  id: string,
  action: string,
  changeOf: (found: FoundCard) => CardChange,
) {
  const found = await findCard(tx, actor.organizationId, id);
  if (!found) throw new Refusal('unknown', 'not-found', 'There is no such card.');
  const change = changeOf(found);
  await decideCard(tx, found.card, change);
  const before = { target: found.card.target, current: found.card.current };
  await audit(tx, actor, { action, subjectKind: 'card', subjectId: id, before, after: change });
  return { card: (await findCard(tx, actor.organizationId, id)) ?? found, toWake: [] };
}
