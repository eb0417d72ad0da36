import { Link } from '@tanstack/react-router';
import type { Schema } from '../../api/types.ts';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { When } from '../../ui/When.tsx';
import styles from './PsaConnections.module.css';
import { usePsaConnectionName } from './names.ts';
import type { PsaConnection } from './queries.ts';
import { rightsWord } from './RightsTable.tsx';

interface Props {
  connections: readonly PsaConnection[];
  psas: readonly Schema<'Psa'>[];
}

/** The PSAs of the organization, a line each. */
export function PsaConnections({ connections, psas }: Props) {
  const connectionName = usePsaConnectionName();
  return (
    <ul className={styles['list']} aria-label="PSA connections">
      {connections.map((connection) => {
        const psa = psas.find(({ id }) => id === connection.kind);
        const rights = psa && rightsWord(psa, 'billing', connection.permissions);
        return (
          <li key={connection.id}>
            <Link to="/psa-connections/$id" params={{ id: connection.id }}>
              {connectionName(connection.id) ?? connection.name}
            </Link>
            {rights && <StatusWord tone={rights.tone}>{rights.word}</StatusWord>}
            <span className={styles['soft']}>
              {connection.refreshedAt === null ? (
                'Nothing read yet'
              ) : (
                <>
                  Read <When at={connection.refreshedAt} as="age" />
                </>
              )}
            </span>
            <span className={styles['soft']}>Writing is {connection.writesEnabled ? 'on' : 'off'}</span>
          </li>
        );
      })}
    </ul>
  );
}
