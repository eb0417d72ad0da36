/** What a person decides about a card. Each answer is the card as it is then, and is shown. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { paths } from '../../api/schema.ts';
import { tellProblem } from '../../ui/Toast.tsx';
import { showChanged, type Card, type CardDetail } from './queries.ts';

type Body<P> = P extends { requestBody?: { content: { 'application/json': infer B } } }
  ? B
  : P extends { requestBody: { content: { 'application/json': infer B } } }
    ? B
    : never;
export type Rule = NonNullable<Body<paths['/v1/cards/{id}/rule']['put']>['rule']>;
export type Dismissal = Omit<Body<paths['/v1/cards/dismiss']['post']>, 'cardIds'>;

export type Decision =
  | { do: 'dismiss'; dismissal: Dismissal }
  | { do: 'undismiss' }
  | { do: 'review' }
  | { do: 'pick'; lineId: string | null }
  | { do: 'rule'; rule: Rule | null };

export function useDecideCard(card: Card) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (decision: Decision) => send(card, decision),
    onSuccess: (now) => {
      queryClient.setQueryData(keys.cards.one(card.id), now);
      showChanged(queryClient);
    },
    onError: (error) => {
      tellProblem(error);
      // It may be refused because the card is not what was shown.
      void queryClient.invalidateQueries({ queryKey: keys.cards.one(card.id) });
    },
  });
}

function send({ id, target, current }: Card, decision: Decision): Promise<CardDetail> {
  const params = { path: { id } };
  switch (decision.do) {
    case 'dismiss':
      return ask(api.POST('/v1/cards/{id}/dismiss', { params, body: decision.dismissal }));
    case 'undismiss':
      return ask(api.DELETE('/v1/cards/{id}/dismiss', { params }));
    case 'review':
      return ask(api.POST('/v1/cards/{id}/review', { params, body: { seen: { target, current } } }));
    case 'pick':
      return ask(api.PUT('/v1/cards/{id}/line', { params, body: { lineId: decision.lineId } }));
    case 'rule':
      return ask(api.PUT('/v1/cards/{id}/rule', { params, body: { rule: decision.rule } }));
  }
}
