/** Whom what was done can be filtered by. */
import { useQuery } from '@tanstack/react-query';
import { numbered } from '../../numbered.ts';
import type { Choice } from '../../ui/Select.tsx';
import { tokensQuery } from '../tokens/queries.ts';
import { membersQuery } from './queries.ts';

/** @param kinds of actors: all, and what stands before the colon of an actor @param chosen as the address says it */
export function useActors(kinds: readonly Choice[], chosen: string): readonly Choice[] {
  const members = useQuery(membersQuery).data?.items ?? [];
  const tokens = useQuery(tokensQuery).data?.items ?? [];
  const tokenName = numbered(tokens, ({ name }) => `Token "${name}"`);
  const known = [
    ...kinds,
    ...members.map(({ id, name }) => ({ id: `person:${id}`, name })),
    ...tokens.map(({ id, name }) => ({ id: `token:${id}`, name: tokenName(id) ?? name })),
  ];
  // Who came from a link may be nobody of these.
  return known.some(({ id }) => id === chosen) ? known : [...known, { id: chosen, name: chosen }];
}
