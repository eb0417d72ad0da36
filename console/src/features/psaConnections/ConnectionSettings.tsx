import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { LinkButton } from '../../ui/LinkButton.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Section, Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { When } from '../../ui/When.tsx';
import { psasQuery } from '../catalogue/queries.ts';
import styles from './PsaConnections.module.css';
import { usePsaConnectionName } from './names.ts';
import { psaConnectionsQuery } from './queries.ts';
import { rightsWord } from './RightsTable.tsx';
import { Writing } from './Writing.tsx';

/** The PSA connections of the organization: their rights, and whether approvals are written. */
export function ConnectionSettings() {
  const connections = useQuery(psaConnectionsQuery);
  const psas = useQuery(psasQuery).data?.items ?? [];
  const connectionName = usePsaConnectionName();
  return (
    <Section title="PSA connections">
      <Loaded
        query={connections}
        what="The PSA connections"
        loading={<Skeleton label="Reading the PSA connections …" rows={3} />}
      >
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState
              title="No PSA is connected"
              action={<LinkButton to="/psa-connections/new">Connect your PSA</LinkButton>}
            >
              What is billed is read from your PSA, so it is connected first.
            </EmptyState>
          ) : (
            <ul className={styles['settings']} aria-label="PSA connections">
              {items.map((connection) => {
                const psa = psas.find(({ id }) => id === connection.kind);
                const { id, permissions, alertPermissions, permissionsAt, writesEnabled } = connection;
                if (!psa) return undefined;
                const name = connectionName(id) ?? connection.name;
                const rights = rightsWord(psa, 'billing', permissions);
                const ofAlerts = alertPermissions && rightsWord(psa, 'alerts', alertPermissions);
                return (
                  <li key={id} aria-label={name}>
                    <div className={styles['names']}>
                      <Link to="/psa-connections/$id" params={{ id }}>
                        {name}
                      </Link>
                      <StatusWord tone={rights.tone}>{rights.word}</StatusWord>
                      {ofAlerts && <StatusWord tone={ofAlerts.tone}>{`For alerts: ${ofAlerts.word}`}</StatusWord>}
                      <StatusWord tone={writesEnabled ? 'good' : 'quiet'}>
                        {writesEnabled ? 'Writing is on' : 'Writing is off'}
                      </StatusWord>
                    </div>
                    <Soft>
                      {psa.name}
                      {permissionsAt !== null && (
                        <>
                          ; rights checked <When at={permissionsAt} as="age" />
                        </>
                      )}
                    </Soft>
                    <Writing connection={connection} psa={psa} />
                  </li>
                );
              })}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}
