import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useIntegrationName } from '../features/integrations/names.ts';
import { AcceptIncomplete } from '../features/syncs/AcceptIncomplete.tsx';
import { HeldRun } from '../features/syncs/HeldRun.tsx';
import { runQuery, type RunWithSteps } from '../features/syncs/queries.ts';
import { runStates, tookOf } from '../features/syncs/RunsTable.tsx';
import { formatCount, formatMany, formatTime } from '../ui/format.ts';
import { AwayButton, LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Actions, Facts, Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { StatusWord } from '../ui/StatusWord.tsx';
import { Steps } from '../features/steps/Steps.tsx';
import { When } from '../ui/When.tsx';

/** One run: how it went, step by step, what it read, and what a held one would change. */
export function RunPage() {
  const { id } = useParams({ from: '/shell/runs/$id' });
  const query = useQuery(runQuery(id));
  const integrationName = useIntegrationName();
  return (
    <Page
      title={query.data ? `Run of ${formatTime(new Date(query.data.startedAt), new Date())}` : 'Run'}
      lead={(query.data && integrationName(query.data.integrationId)) ?? ''}
      actions={
        query.data && (
          <>
            <LinkButton to="/runs" search={{ integration: query.data.integrationId }}>
              All runs
            </LinkButton>
            {query.data.process.url !== null && (
              <AwayButton href={query.data.process.url}>Open in the Temporal UI</AwayButton>
            )}
          </>
        )
      }
    >
      <Loaded query={query} what="The run" loading={<Skeleton label="Reading the run …" rows={8} />}>
        {(run) => <Run run={run} />}
      </Loaded>
    </Page>
  );
}

function Run({ run }: { run: RunWithSteps }) {
  const isBlocked = run.process.steps.some(({ state }) => state === 'blocked');
  const state =
    run.state === 'running' && isBlocked ? ({ tone: 'bad', word: 'Blocked' } as const) : runStates[run.state];
  return (
    <>
      {run.state === 'held' && <HeldRun run={run} />}
      <Section title="How it went" aside={<StatusWord tone={state.tone}>{state.word}</StatusWord>}>
        <Facts
          facts={[
            { name: 'Started', value: <When at={run.startedAt} /> },
            { name: 'Finished', value: run.finishedAt === null ? '—' : <When at={run.finishedAt} /> },
            { name: 'Took', value: tookOf(run) },
            ...(run.vendorAccountId === null ? [] : [{ name: 'Only the new customer', value: run.vendorAccountId }]),
            ...Object.entries(figureWords).flatMap(([figure, name]) => {
              const value = run.figures?.[figure];
              return value === undefined ? [] : [{ name, value: formatCount(value) }];
            }),
            ...(run.guard
              ? [
                  {
                    name: 'Sum of all counts',
                    value: `${formatCount(run.guard.figures.totalBefore)} → ${formatCount(run.guard.figures.totalAfter)}`,
                  },
                  {
                    name: 'Counts above zero',
                    value: `${formatCount(run.guard.figures.pairsBefore)} → ${formatCount(run.guard.figures.pairsAfter)}`,
                  },
                ]
              : []),
          ]}
        />
        {run.state === 'superseded' && <Soft>A newer run was whole, so this one was not needed any more.</Soft>}
        <Steps label="Steps of the run" steps={run.process.steps} />
        {run.state === 'running' && <AcceptIncomplete run={run} />}
      </Section>
      {run.incomplete !== null && (
        <Section title="Incomplete lists taken knowingly">
          <Soft>
            {run.incomplete.byName} accepted them <When at={run.incomplete.at} />: they could raise and add counts, and
            never lower, zero or remove one.
          </Soft>
          <ul aria-label="What was wrong">
            {run.incomplete.lists.map((list) => (
              <li key={list}>{list}</li>
            ))}
          </ul>
          {run.incomplete.count > run.incomplete.lists.length && (
            <Soft>And {formatMany(run.incomplete.count - run.incomplete.lists.length, 'more', 'more')}.</Soft>
          )}
        </Section>
      )}
      {run.process.url === null && (
        <Actions>
          <Soft>
            The workflow is {run.process.workflowId}. It has a link here when TEMPORAL_UI_URL is set for the API.
          </Soft>
        </Actions>
      )}
    </>
  );
}

/** What a run counts, in words and in the order in which it is told. */
const figureWords: Record<string, string> = {
  accounts: 'Customers read',
  lateAccounts: 'Customers that came late',
  goneAccounts: 'Customers gone',
  posted: 'Counts sent',
  counts: 'Counts in',
  changedCounts: 'Counts changed',
  incompleteLists: 'Incomplete lists',
};
