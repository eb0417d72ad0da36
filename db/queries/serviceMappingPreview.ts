import { createEffect, type MappingEffect, type MappingWish } from '../../domain/reconcile/mappingPreview.ts';
import type { Queryable } from '../client.ts';
import { listMappedAccounts, readInputsInBatches } from './cards.ts';

/**
 * Computes what each of these mappings would do, without doing it. Their order is that of the answers.
 *
 * @param wishes what is tried; they are compared on the same numbers
 */
export async function previewMappings(
  db: Queryable,
  psaConnectionId: string,
  wishes: readonly MappingWish[],
): Promise<MappingEffect[]> {
  const effects = wishes.map(createEffect);
  const accounts = await listMappedAccounts(db, psaConnectionId);
  for await (const inputs of readInputsInBatches(db, psaConnectionId, accounts)) {
    for (const input of inputs) for (const { add } of effects) add(input);
  }
  return effects.map(({ effect }) => effect());
}
