/**
 * Decisions of a person about a card: to dismiss it, to pick the line that takes the difference, to set the rule that
 * computes it.
 */
import type { Transaction } from '../db/client.ts';
import { decideCard, dismissMany } from '../db/queries/cards.ts';
import { findCard } from '../db/queries/cardList.ts';
import { today } from '../domain/day.ts';
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
 * @throws Refusal when there is no such card, or the end of the dismissal is not known, or not to come
 */
export const dismissCard: CardCommand<{ dismissal: Dismissal | null }> = (tx, actor, { id, dismissal }) =>
  decide(tx, actor, id, dismissal ? 'card.dismiss' : 'card.undismiss', (found) => ({
    dismissal: dismissal && dismissalOf(found.card, dismissal, actor),
  }));

type Numbers = Pick<FoundCard['card'], 'target' | 'current' | 'detail'>;

function dismissalOf(
  { target, current, detail }: Numbers,
  { until, date, reason }: Dismissal,
  actor: Actor,
): NonNullable<Decision['dismissal']> {
  const of = { reason, by: actor.name, at: new Date().toISOString() };
  if (until === 'change') return { until, target, current, ...of };
  const [period] = detail.explanation.linesAsOf;
  const before = until === 'date' ? date : period;
  if (before === undefined)
    throw new Refusal('impossible', 'no-date', 'Give the date until which the card is dismissed.', [
      { field: 'date', message: 'is needed' },
    ]);
  if (before <= today())
    throw new Refusal(
      'impossible',
      'past-day',
      until === 'date'
        ? `The card would not be dismissed at all: ${before} is not to come. Give a later day.`
        : `The card would not be dismissed at all: its lines were read as of ${before}, which is not to come. Give a day.`,
      [{ field: until === 'date' ? 'date' : 'until', message: 'is not a day to come' }],
    );
  return { until: 'date', before, ...of };
}

/**
 * Dismisses many cards for one reason. Those that are not there any more are left out.
 *
 * @throws Refusal when none of them is there, or the end of a dismissal is not known, or not to come
 */
export const dismissCards: Command<
  { cardIds: readonly string[]; dismissal: Dismissal },
  { dismissed: number }
> = async (tx, actor, { cardIds, dismissal }) => {
  const cards = await dismissMany(tx, actor.organizationId, cardIds, (card) => dismissalOf(card, dismissal, actor));
  if (cards.length === 0)
    throw new Refusal('impossible', 'unknown-cards', 'None of these cards is there any more. Nothing was dismissed.');
  await audit(
    tx,
    actor,
    cards.map(({ id, target, current, dismissal: after }) => ({
      action: 'card.dismiss',
      subjectKind: 'card',
      subjectId: id,
      before: { target, current },
      after: { dismissal: after },
    })),
  );
  return { dismissed: cards.length, toWake: [] };
};

/**
 * Notes that somebody has looked at a card and leaves what is billed as it is. It holds until one of its numbers changes.
 *
 * @param input.seen the numbers that were shown
 * @throws Refusal when there is no such card, or it shows other numbers now
 */
export const reviewCard: CardCommand<{ seen: { target: number | null; current: number } }> = (
  tx,
  actor,
  { id, seen },
) =>
  decide(tx, actor, id, 'card.review', ({ card: { target, current, detail } }) => {
    if (target !== seen.target || current !== seen.current)
      throw new Refusal(
        'conflict',
        'changed-meanwhile',
        `The card was shown with ${current === seen.current ? '' : `${seen.current} billed and `}${seen.target ?? 'no number'} to bill, and has ${current} billed and ${target ?? 'no number'} to bill now. Look at it again.`,
      );
    const reviewed = dismissalOf(
      { target, current, detail },
      { until: 'change', reason: 'Reviewed, no change' },
      actor,
    );
    return { dismissal: { ...reviewed, reviewed: true } };
  });

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
 * @throws Refusal when there is no such card, or the rule would be over before it holds
 */
export const ruleCard: CardCommand<{ rule: Omit<AccountRule, 'author'> | null }> = (tx, actor, { id, rule }) =>
  decide(tx, actor, id, 'card.rule', ({ card: { detail } }) => {
    const first = firstRuleDay(detail.explanation.linesAsOf);
    if (rule?.expires !== undefined && rule.expires < first)
      throw new Refusal(
        'impossible',
        'past-day',
        `The rule would never hold: its last day ${rule.expires} is before ${first}, the first day on which it could. Give a later day.`,
        [{ field: 'rule.expires', message: `is before ${first}` }],
      );
    return { rule: rule && { ...rule, author: actor.name } };
  });

/** The first day on which a rule of this card can do anything: what is approved now is billed from its lines' day on. */
function firstRuleDay([readAsOf]: readonly string[]): string {
  const now = today();
  return readAsOf !== undefined && readAsOf > now ? readAsOf : now;
}

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
