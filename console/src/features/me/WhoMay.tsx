import type { ReactNode } from 'react';
import { useMay } from './queries.ts';

const who = { operate: 'Somebody who may operate (an operator or an admin)', admin: 'An admin' };

interface Props {
  /** The right that it takes. */
  scope?: keyof typeof who;
  /** What is done, as in "An admin can …". */
  to: string;
  /** For whoever may: the words and buttons with which it is done. */
  children?: ReactNode;
}

/** What a person does: for whoever may not, which has no button for it, who can do it. */
export function WhoMay({ scope = 'operate', to, children }: Props) {
  return useMay(scope) ? (
    children
  ) : (
    <p>
      {who[scope]} can {to}.
    </p>
  );
}
