/** Decides about new customers as account mapping does: with the version that was shown, and the last can be taken back. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/keys.ts';
import { tellProblem } from '../../ui/Toast.tsx';
import { send, wordsOf, type Decision } from '../mappings/decide.ts';
import type { Onboarding } from './queries.ts';

interface Asking {
  integrationId: string;
  account: Pick<Onboarding, 'name' | 'apart' | 'version'> & { id: string; excluded: boolean };
  decision: Decision;
}

/** What was done last: in words, and what takes it back. */
interface Last {
  words: string;
  /** Absent when it was taken back itself. */
  back: Asking | undefined;
}

export type DecideCustomer = ReturnType<typeof useDecideCustomer>;

/** What somebody else has decided meanwhile is told, and not overwritten. */
export function useDecideCustomer() {
  const queryClient = useQueryClient();
  const [last, setLast] = useState<Last>();
  const mutation = useMutation({
    mutationFn: ({ integrationId, account, decision }: Asking) => send(integrationId, account, decision),
    onSuccess: (now, { integrationId, account, decision }) =>
      setLast({
        words: wordsOf(account, decision),
        back:
          decision.do === 'map' || decision.do === 'exclude'
            ? { integrationId, account: now, decision: { do: now.excluded ? 'include' : 'unmap' } }
            : undefined,
      }),
    onError: tellProblem,
    // Whatever happened, the row is not what it was.
    onSettled: () =>
      Promise.all(
        [keys.onboardings.all, keys.health.all, keys.mappings.all].map((queryKey) =>
          queryClient.invalidateQueries({ queryKey }),
        ),
      ),
  });
  return {
    isBusy: mutation.isPending,
    words: last?.words,
    decide: ({ integrationId, vendorAccountId: id, name, apart, version }: Onboarding, decision: Decision) =>
      mutation.mutate({ integrationId, account: { id, name, apart, version, excluded: false }, decision }),
    /** Absent when there is nothing to take back. */
    undo: () => last?.back && mutation.mutate(last.back),
    canUndo: last?.back !== undefined && !mutation.isPending,
  };
}
