import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import type { Onboarding } from './queries.ts';

type Wish = { map: { id: string; name: string } } | { exclude: string };

/** Maps a new customer, or excludes it with a reason. What somebody else has decided meanwhile is told, and not overwritten. */
export function useDecideCustomer() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async ({ customer, wish }: { customer: Onboarding; wish: Wish }) => {
      const { integrationId: id, vendorAccountId: accountId, version: seen } = customer;
      const params = { path: { id, accountId }, query: { seen } };
      const address = '/v1/integrations/{id}/accounts/{accountId}' as const;
      return 'map' in wish
        ? ask(api.PUT(`${address}/mapping`, { params, body: { psaAccountId: wish.map.id } }))
        : ask(api.PUT(`${address}/exclusion`, { params, body: { reason: wish.exclude } }));
    },
    onSuccess: (_, { customer, wish }) =>
      'map' in wish
        ? tell(
            `${customer.name} is mapped to ${wish.map.name}`,
            'Its counts are asked for, and its cards appear by themselves.',
          )
        : tell(`${customer.name} is excluded`, 'It is neither read nor billed. Account mapping can include it again.'),
    onError: tellProblem,
    // Whatever happened, the row is not what it was.
    onSettled: () =>
      Promise.all(
        [keys.onboardings.all, keys.health.all, keys.mappings.all].map((queryKey) =>
          queryClient.invalidateQueries({ queryKey }),
        ),
      ),
  });
}
