import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { formatCount, formatDifference, formatMany } from '../../ui/format.ts';
import { DownloadButton } from '../../ui/LinkButton.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Actions, Facts, Section } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { terms } from '../../terms.ts';
import { WhoMay } from '../me/WhoMay.tsx';
import { changesQuery, type RunWithSteps } from './queries.ts';

type Change = Schema<'UsageChange'> & { id: string };

/** Why a run is held, what it would change, and the two ways on. */
export function HeldRun({ run }: { run: RunWithSteps }) {
  const [asks, setAsks] = useState<'release' | 'discard'>();
  return (
    <Section title="Held for you">
      <Banner tone="care" title="It moved the whole too far, so nothing was changed">
        <p>{terms.held}</p>
        <p>{reasonsOf(run).join(' ')} Look at what it would change: is that true, or did the vendor send a mistake?</p>
      </Banner>
      {run.guard && <Figures figures={run.guard.figures} />}
      <Changes runId={run.id} />
      <WhoMay to="release or discard it">
        <Actions>
          <Button look="main" onPress={() => setAsks('release')}>
            Release …
          </Button>
          <Button onPress={() => setAsks('discard')}>Discard …</Button>
        </Actions>
      </WhoMay>
      {asks !== undefined && <Decide run={run} way={asks} onClose={() => setAsks(undefined)} />}
    </Section>
  );
}

function reasonsOf({ guard }: RunWithSteps): string[] {
  const words = {
    total_swing: 'The sum of all counts moved further than the limit of this integration.',
    pairs_swing: 'The number of counts above zero moved further than the limit of this integration.',
  };
  return (guard?.reasons ?? []).map((reason) => words[reason]);
}

function Figures({ figures }: { figures: NonNullable<RunWithSteps['guard']>['figures'] }) {
  const moved = (before: number, after: number) =>
    `${formatCount(before)} → ${formatCount(after)} (${formatDifference(after - before)})`;
  return (
    <Facts
      facts={[
        { name: 'Sum of all counts', value: moved(figures.totalBefore, figures.totalAfter) },
        { name: 'Counts above zero', value: moved(figures.pairsBefore, figures.pairsAfter) },
      ]}
    />
  );
}

/** A count that was never reported is no zero. */
const numberOf = (value: number | null) => (value === null ? '—' : formatCount(value));

const columns: readonly TableColumn<Change>[] = [
  { id: 'customer', title: 'Customer', cell: (row) => row.vendorAccountName ?? row.vendorAccountId },
  { id: 'service', title: 'Service', width: 200, cell: (row) => row.serviceId },
  { id: 'before', title: 'Now', isNumeric: true, width: 100, cell: (row) => numberOf(row.before) },
  { id: 'after', title: 'In this run', isNumeric: true, width: 120, cell: (row) => numberOf(row.after) },
  {
    id: 'difference',
    title: 'Change',
    isNumeric: true,
    width: 110,
    cell: (row) => formatDifference((row.after ?? 0) - (row.before ?? 0)),
  },
];

function Changes({ runId }: { runId: string }) {
  const query = useInfiniteQuery(changesQuery(runId));
  return (
    <Loaded query={query} what="What it would change" loading={<Skeleton label="Reading what it would change …" />}>
      {({ pages }) => (
        <>
          <Table
            label="What it would change"
            columns={columns}
            rows={pages.flatMap(({ items }) =>
              items.map((item) => ({ ...item, id: `${item.vendorAccountId} ${item.serviceId}` })),
            )}
            nameOf={(row) => `${row.vendorAccountName ?? row.vendorAccountId}, ${row.serviceId}`}
            empty="It would change no count."
          />
          <Actions>
            <DownloadButton path={`/v1/syncs/${runId}/changes.csv`}>Download CSV</DownloadButton>
          </Actions>
          {query.hasNextPage && (
            <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
              {query.isFetchingNextPage ? 'Reading more …' : 'Smaller changes'}
            </Button>
          )}
        </>
      )}
    </Loaded>
  );
}

const ways = {
  release: {
    title: 'Release this run?',
    does: 'Release',
    done: 'The run was released',
    then: 'Its counts become visible, and the cards are computed from them. Counts that moved very far stay “check first”. Nothing is written to the PSA before somebody approves.',
  },
  discard: {
    title: 'Discard this run?',
    does: 'Discard',
    done: 'The run was discarded',
    then: 'What it read is thrown away, and the counts stay as they are. The next run reads everything anew.',
  },
} as const;

interface DecideProps {
  run: RunWithSteps;
  way: keyof typeof ways;
  onClose: () => void;
}

function Decide({ run, way, onClose }: DecideProps) {
  const queryClient = useQueryClient();
  const { title, does, done, then } = ways[way];
  const heldPairs = run.guard?.heldPairs.length ?? 0;
  const decide = useMutation({
    mutationFn: () => {
      const params = { path: { id: run.id }, header: { 'idempotency-key': crypto.randomUUID() } };
      return way === 'release'
        ? ask(api.POST('/v1/syncs/{id}/release', { params }))
        : ask(api.POST('/v1/syncs/{id}/discard', { params }));
    },
    onSuccess: () =>
      tell(done, way === 'release' ? 'It is applied now; Refresh lights up when it is over.' : undefined),
    onError: tellProblem,
    onSettled: () => {
      onClose();
      return queryClient.invalidateQueries({ queryKey: keys.syncs.all });
    },
  });
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Not now</Button>
          <Button
            look={way === 'release' ? 'main' : 'danger'}
            onPress={() => decide.mutate()}
            isDisabled={decide.isPending}
          >
            {does}
          </Button>
        </>
      }
    >
      <p>{then}</p>
      {way === 'release' && heldPairs > 0 && (
        <p>{formatMany(heldPairs, 'count has', 'counts have')} moved so far that its card is to be checked first.</p>
      )}
    </Dialog>
  );
}
