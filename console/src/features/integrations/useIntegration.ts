import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { keys } from '../../api/keys.ts';
import { useLive } from '../integrationHealth/live.ts';
import { integrationQuery } from './queries.ts';

/** An integration as it is now: whoever connects it sees what happens elsewhere as it happens. */
export function useIntegration(id: string) {
  const queryClient = useQueryClient();
  const now = useLive()?.integrations.find((each) => each.id === id);
  useEffect(() => {
    if (now) queryClient.setQueryData(keys.integrations.one(id), now);
  }, [queryClient, id, now]);
  return useQuery(integrationQuery(id));
}
