import { Dialog, DialogTrigger, Heading, Popover } from 'react-aria-components';
import type { Live } from '../integrationHealth/live.ts';
import { nameOf, syncStateOf, syncWords } from '../integrations/state.ts';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Steps } from '../../ui/Steps.tsx';
import { When } from '../../ui/When.tsx';
import styles from './SyncStatus.module.css';

interface Props {
  live: Live | undefined;
  vendorName: (id: string) => string;
}

/** Spins while any sync runs; opens to the steps of each integration's sync. */
export function SyncStatus({ live, vendorName }: Props) {
  const isSyncing = live?.isSyncing ?? false;
  const integrations = live?.integrations.filter(({ disconnectedAt }) => disconnectedAt === null) ?? [];
  const isBlocked = integrations.some((integration) => syncStateOf(integration) === 'blocked');
  const isDone = live !== undefined && integrations.some((integration) => syncStateOf(integration) === 'done');
  const word = isSyncing ? 'syncing' : isBlocked ? 'blocked' : 'idle';
  return (
    <DialogTrigger>
      <Button look="quiet" inBar aria-label={`Sync Status: ${word}`}>
        <Icon name={isSyncing ? 'busy' : isBlocked ? 'bad' : isDone ? 'good' : 'waiting'} className={styles[word]} />
        <span>Sync Status</span>
      </Button>
      <Popover className={styles['popover'] ?? ''} placement="bottom end">
        <Dialog className={styles['dialog'] ?? ''}>
          <Heading slot="title" level={2}>
            Sync Status
          </Heading>
          {integrations.length === 0 && <p className={styles['soft']}>Nothing is connected yet.</p>}
          {integrations.map((integration) => {
            const name = nameOf(integration, vendorName(integration.vendor));
            const state = syncStateOf(integration);
            const health = live?.health.find(({ integrationId }) => integrationId === integration.id);
            return (
              <section key={integration.id} className={styles['one']}>
                <div className={styles['head']}>
                  <h3>{name}</h3>
                  <StatusWord tone={syncWords[state].tone}>{syncWords[state].word}</StatusWord>
                </div>
                {(state === 'running' || state === 'blocked') && (
                  <Steps label={`Steps of the sync of ${name}`} steps={integration.sync.steps} />
                )}
                {state === 'done' && health?.lastSync?.finishedAt != null && (
                  <p className={styles['soft']}>
                    Finished <When at={health.lastSync.finishedAt} />
                  </p>
                )}
              </section>
            );
          })}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
