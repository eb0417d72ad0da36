import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Icon } from '../../ui/Icon.tsx';
import { LinkButton } from '../../ui/LinkButton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Steps } from '../steps/Steps.tsx';
import { When } from '../../ui/When.tsx';
import { useVendor } from '../catalogue/queries.ts';
import type { Health } from '../integrationHealth/queries.ts';
import { Waits } from '../integrationHealth/Waits.tsx';
import { SyncNow } from '../syncs/SyncNow.tsx';
import { CountsHint } from './CountsHint.tsx';
import styles from './IntegrationCard.module.css';
import { useIntegrationTitle } from './names.ts';
import { moduleWords, syncStateOf, wordOf, type Integration } from './state.ts';

interface Props {
  integration: Integration;
  /** Absent = it was disconnected: nobody looks after it any more. */
  health: Health | undefined;
  vendor: string;
}

/** One integration: how it is, what waits for whom, and its steps. */
export function IntegrationCard({ integration, health, vendor }: Props) {
  const state = wordOf(integration, health);
  const { process, sync } = integration;
  const intake = useVendor(integration.vendor)?.intakes.find((each) => each.intake === integration.intake);
  const called = useIntegrationTitle()(integration.id) ?? vendor;
  const needed = process.steps.filter((step) => step.state !== 'skipped');
  const done = needed.filter((step) => step.state === 'done').length;
  return (
    <article className={styles['card']} aria-labelledby={`integration-${integration.id}`}>
      <header className={styles['head']}>
        <div className={styles['names']}>
          <h2 id={`integration-${integration.id}`}>{called}</h2>
          {/* A title that tells it from others has the name already. */}
          {called === vendor && integration.vendorName !== null && <p>{integration.vendorName}</p>}
        </div>
        <StatusWord tone={state.tone}>{state.word}</StatusWord>
      </header>

      <dl className={styles['facts']}>
        <Fact name="Modules">{integration.modules.map((module) => moduleWords[module]).join(', ')}</Fact>
        <Fact name="Counts">{intake?.title ?? '…'}</Fact>
        {health && (
          <>
            <Fact name="Data as of">
              {health.dataAsOf ? (
                <>
                  <When at={health.dataAsOf} /> <Soft at={health.dataAsOf} />
                </>
              ) : (
                'Nothing read yet'
              )}
            </Fact>
            <Fact name="Next sync">
              {health.nextSyncAt ? (
                <>
                  <When at={health.nextSyncAt} /> <Soft at={health.nextSyncAt} />
                </>
              ) : (
                'Only when somebody asks for it'
              )}
            </Fact>
          </>
        )}
      </dl>

      <CountsHint integration={integration} />
      {health && <Waits integration={integration} health={health} vendor={vendor} />}

      <div className={styles['steps']}>
        {!process.done && (
          <details open>
            <summary>
              Setting up: {done} of {needed.length} steps
            </summary>
            <Steps label={`Steps of connecting ${called}`} steps={process.steps} />
          </details>
        )}
        {sync.steps.length > 0 && (
          <details open={syncStateOf(integration) === 'blocked'}>
            <summary>Steps of the last sync</summary>
            <Steps label={`Steps of the last sync of ${called}`} steps={sync.steps} />
          </details>
        )}
      </div>

      <footer className={styles['foot']}>
        {process.done && integration.disconnectedAt === null && <SyncNow integrationId={integration.id} />}
        {!process.done && integration.disconnectedAt === null && (
          <LinkButton to="/integrations/$id/connect" params={{ id: integration.id }} look="main">
            Go on connecting
          </LinkButton>
        )}
        <LinkButton to="/integrations/$id" params={{ id: integration.id }} aria-label={`Configure ${called}`}>
          Configure
        </LinkButton>
        <Link to="/runs" search={{ integration: integration.id }}>
          Runs
        </Link>
        {process.url !== null && (
          <a href={process.url} target="_blank" rel="noreferrer" className={styles['away']}>
            In the Temporal UI
            <Icon name="out" />
          </a>
        )}
      </footer>
    </article>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles['fact']}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Soft({ at }: { at: string }) {
  return (
    <span className={styles['soft']}>
      <When at={at} as="age" />
    </span>
  );
}
