/** What the audit can be filtered by. */
import type { Choice } from '../../ui/Select.tsx';
import { kinds } from './words.ts';

/** Who: what stands before the colon of an actor. */
export const actorChoices = [
  { id: 'anybody', name: 'Anybody' },
  { id: 'person', name: 'People' },
  { id: 'token', name: 'Tokens' },
  { id: 'vendor', name: 'Vendors' },
  { id: 'countersign', name: 'Countersign itself' },
] as const satisfies readonly Choice[];

export const kindChoices: readonly Choice[] = [
  { id: 'anything', name: 'Anything' },
  ...Object.entries(kinds).map(([id, name]) => ({ id, name })),
];
