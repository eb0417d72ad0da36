import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { usePsaWords, useVendor } from '../features/catalogue/queries.ts';
import { CountsHint } from '../features/integrations/CountsHint.tsx';
import { useNow } from '../features/integrationHealth/live.ts';
import type { Integration } from '../features/integrations/state.ts';
import { IntegrationPage } from '../features/mappings/IntegrationPage.tsx';
import { progressQuery, servicesQuery } from '../features/mappings/queries.ts';
import { ServicesReview } from '../features/mappings/ServicesReview.tsx';
import { accountsLeft, servicesLeft, type Progress } from '../features/mappings/words.ts';
import { useMay } from '../features/me/queries.ts';
import { useComplete } from '../features/steps/useComplete.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Actions, Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { StatusWord } from '../ui/StatusWord.tsx';
import { tell } from '../ui/Toast.tsx';

/** The last look before the first sync: what will be billed from what. */
export function Review() {
  const { id } = useParams({ from: '/shell/integrations/$id/review' });
  return (
    <IntegrationPage
      id={id}
      title="Review and finish"
      lead="What will be billed from what. Nothing is written to the PSA before somebody approves it."
      actions={() => null}
    >
      {(integration) => <Reviewed integration={integration} />}
    </IntegrationPage>
  );
}

function Reviewed({ integration: read }: { integration: Integration }) {
  const integration = useNow(read);
  const { id } = integration;
  const progress = useQuery(progressQuery(id));
  return (
    <Loaded query={progress} what="What is mapped" loading={<Skeleton label="Reading what is mapped …" rows={9} />}>
      {(data) => (
        <>
          <Accounts integration={integration} progress={data} />
          {integration.modules.includes('billing') && <Services integration={integration} progress={data} />}
          <Finish integration={integration} progress={data} />
        </>
      )}
    </Loaded>
  );
}

function Accounts({ integration, progress }: { integration: Integration; progress: Progress }) {
  const words = usePsaWords(integration.psaConnectionId);
  return (
    <Section title="Accounts" aside={<Mapped count={progress.accounts.mapped} />}>
      <Soft>{accountsLeft(progress, words)}</Soft>
      <Actions>
        <LinkButton to="/integrations/$id/accounts" params={{ id: integration.id }}>
          Update Account Mapping
        </LinkButton>
      </Actions>
    </Section>
  );
}

function Services({ integration, progress }: { integration: Integration; progress: Progress }) {
  const words = usePsaWords(integration.psaConnectionId);
  const services = useQuery(servicesQuery(integration.id));
  return (
    <Section title="Services" aside={<Mapped count={progress.services.mapped} />}>
      <Soft>{servicesLeft(progress)}</Soft>
      <Loaded query={services} what="The services" loading={<Skeleton label="Reading the services …" rows={6} />}>
        {({ items }) => (
          <ServicesReview
            label="What will be billed from what"
            // Those that are billed stand first.
            services={[...items].sort((a, b) => Number(b.products.length > 0) - Number(a.products.length > 0))}
            words={words}
          />
        )}
      </Loaded>
      <Actions>
        <LinkButton to="/integrations/$id/services" params={{ id: integration.id }}>
          Update Service Mapping
        </LinkButton>
      </Actions>
    </Section>
  );
}

function Mapped({ count }: { count: number }) {
  return count > 0 ? <StatusWord tone="good">Mapped</StatusWord> : <StatusWord tone="care">None mapped</StatusWord>;
}

/** Finish, or why it cannot be pressed yet. */
function Finish({ integration, progress }: { integration: Integration; progress: Progress }) {
  const navigate = useNavigate();
  const may = useMay('operate');
  const isBilling = integration.modules.includes('billing');
  const vendor = useVendor(integration.vendor);
  // With push the sync that Finish starts waits for what the vendor sends.
  const then = integration.intake === 'push' ? vendor?.portal.updateCounts : undefined;
  const finish = useComplete(integration.id, () => {
    tell(
      'The integration is finished',
      isBilling
        ? `The first sync starts${then === undefined ? '.' : ` and waits for the counts. ${then}`} Sync Status shows it, and Refresh lights up when it is over.`
        : undefined,
    );
    void navigate({ to: isBilling ? '/reconcile' : '/integrations' });
  });
  if (integration.process.steps.some(({ step, state }) => step === 'finish' && state === 'done'))
    return (
      <>
        <CountsHint integration={integration} />
        <Banner title="It is finished" action={<LinkButton to="/reconcile">Reconcile</LinkButton>}>
          What is changed here counts from the next sync on.
        </Banner>
      </>
    );
  const reason = whyNot(integration, progress);
  if (!may) return null;
  return (
    <Section title="Finish">
      <Soft>
        {reason ??
          (isBilling
            ? `Finish starts the first sync. ${then === undefined ? '' : `It then waits for the counts: ${then} `}You can change every mapping afterwards, too.`
            : 'Alerts become tickets from then on. You can change every mapping afterwards, too.')}
      </Soft>
      <Actions>
        <Button
          look="main"
          isDisabled={reason !== undefined || finish.isPending}
          onPress={() => finish.mutate('finish')}
        >
          {finish.isPending ? 'Finishing …' : 'Finish'}
        </Button>
      </Actions>
    </Section>
  );
}

function whyNot({ modules, process }: Integration, { accounts, services }: Progress): string | undefined {
  const missing = [
    accounts.mapped === 0 ? 'one account' : undefined,
    services.mapped === 0 && modules.includes('billing') ? 'one service' : undefined,
  ].filter((each) => each !== undefined);
  if (missing.length > 0) return `Finish needs at least ${missing.join(' and ')} that is mapped.`;
  const before = process.steps.find(({ state }) => state !== 'done' && state !== 'skipped');
  return before && before.step !== 'finish' ? `"${before.title}" comes first.` : undefined;
}
