import { useEffect, useState } from 'react';
import { Dialog, DialogTrigger, Heading, Popover } from 'react-aria-components';
import type { Live } from '../integrationHealth/live.ts';
import { CountsHint, waitsForCounts } from '../integrations/CountsHint.tsx';
import { useIntegrationName } from '../integrations/names.ts';
import { syncStateOf, syncWords } from '../integrations/state.ts';
import { Button } from '../../ui/Button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Icon } from '../../ui/Icon.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Steps } from '../steps/Steps.tsx';
import { When } from '../../ui/When.tsx';
import styles from './SyncStatus.module.css';

/** A sync that has not moved for so long is told to be still. */
const stillSeconds = 20;

/** Spins while any sync runs; opens to the steps of each integration's sync. */
export function SyncStatus({ live }: { live: Live | undefined }) {
  const integrationName = useIntegrationName();
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
            const name = integrationName(integration.id) ?? '';
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
                <CountsHint integration={integration} />
                {live && state === 'running' && !waitsForCounts(integration) && (
                  <Progress live={live} integrationId={integration.id} />
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

/** How far it has come, and whether it has come to a stop that no step knows of: nobody is there to take the next one. */
function Progress({ live, integrationId }: { live: Live; integrationId: string }) {
  const reading = live.reading.find((each) => each.integrationId === integrationId);
  const movedAt = live.movedAt.get(integrationId);
  const isStill = useSecondsSince(movedAt ?? Date.now()) >= stillSeconds;
  return (
    <>
      {reading && reading.done > 0 && (
        <p className={styles['soft']}>
          {formatCount(reading.done)} of {formatCount(reading.of)} customers read
        </p>
      )}
      {isStill && movedAt !== undefined && (
        <p className={styles['soft']}>
          Nothing has moved since <When at={new Date(movedAt).toISOString()} />. Either the other side is slow, or
          Countersign’s worker is not running. It goes on by itself, and nothing is lost.
        </p>
      )}
    </>
  );
}

function useSecondsSince(time: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (now - time) / 1000;
}
