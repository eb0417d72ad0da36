import type { Schema } from '../../api/types.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import styles from './RightsTable.module.css';

type Right = Schema<'Psa'>['rights'][number];
type Checked = Schema<'CheckedRights'>;
type State = Checked['capabilities'][string]['state'];

const words: Record<State, { tone: Tone; word: string }> = {
  granted: { tone: 'good', word: 'Granted' },
  denied: { tone: 'bad', word: 'Denied' },
  unknown: { tone: 'care', word: 'Unknown' },
};

interface Props {
  psa: Schema<'Psa'>;
  module: Right['modules'][number];
  /** Null = not checked yet. */
  checked: Checked | null;
}

/** The rights of a module, row by row: what each is for, how it is, and what to change. */
export function RightsTable({ psa, module, checked }: Props) {
  return (
    <table className={styles['rights']}>
      <caption>
        {module === 'billing' ? 'Rights for billing' : 'Rights for alerts'}; all are set in {psa.rightsAt}
      </caption>
      <thead>
        <tr>
          <th scope="col">What it is for</th>
          <th scope="col">State</th>
          <th scope="col">Setting</th>
        </tr>
      </thead>
      <tbody>
        {psa.rights
          .filter(({ modules }) => modules.includes(module))
          .map((right) => {
            const found = checked?.capabilities[right.id];
            const isNeeded = right.blocks.includes(module);
            return (
              <tr key={right.id}>
                <th scope="row">
                  {right.purpose}
                  {!isNeeded && <span className={styles['soft']}> (nothing stops without it)</span>}
                </th>
                <td>
                  {found ? (
                    <StatusWord tone={words[found.state].tone}>{words[found.state].word}</StatusWord>
                  ) : (
                    <StatusWord tone="waiting">Not checked yet</StatusWord>
                  )}
                </td>
                <td>
                  {right.setting}
                  {checked?.auth === 'ok' && found && found.state !== 'granted' && (
                    <p className={styles['soft']}>{found.evidence}</p>
                  )}
                </td>
              </tr>
            );
          })}
      </tbody>
    </table>
  );
}

/** How the rights are as a whole, in a word. */
export function rightsWord(
  psa: Schema<'Psa'>,
  module: Right['modules'][number],
  checked: Checked | null,
): { tone: Tone; word: string } {
  if (checked === null) return { tone: 'waiting', word: 'Rights not checked yet' };
  if (checked.auth !== 'ok') return { tone: 'bad', word: 'No access' };
  const isDenied = psa.rights.some(
    ({ id, blocks }) => blocks.includes(module) && checked.capabilities[id]?.state === 'denied',
  );
  return isDenied ? { tone: 'bad', word: 'Rights are missing' } : { tone: 'good', word: 'Rights are there' };
}
