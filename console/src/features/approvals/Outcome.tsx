import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { formatCount, formatDaysIn, formatMany, formatMoneyChange } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Actions, Facts, Section } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { Steps } from '../steps/Steps.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { showChanged } from '../cards/queries.ts';
import { usePsaWords } from '../catalogue/queries.ts';
import { useMay } from '../me/queries.ts';
import { AskedLine, isAsked } from './AskedLine.tsx';
import { CardLink, changeColumns } from './changes.tsx';
import { approvalQuery, linesQuery, skippedQuery, type Approval, type ApprovalLine } from './queries.ts';
import { UndoDialog } from './UndoDialog.tsx';
import { endOf } from './words.ts';

const states: Record<ApprovalLine['state'], { tone: Tone; word: string }> = {
  intended: { tone: 'waiting', word: 'Waits' },
  writing: { tone: 'busy', word: 'Being written' },
  uncertain: { tone: 'busy', word: 'Being settled' },
  applied: { tone: 'good', word: 'Written' },
  already: { tone: 'good', word: 'Was so already' },
  conflict: { tone: 'bad', word: 'Conflict' },
  rejected: { tone: 'bad', word: 'Refused' },
  todo: { tone: 'waiting', word: 'To do' },
  verified: { tone: 'good', word: 'Done in the PSA' },
  withdrawn: { tone: 'quiet', word: 'Withdrawn' },
  replaced: { tone: 'quiet', word: 'Replaced' },
};

/** What became of an approval, line by line as it happens. */
export function Outcome({ id }: { id: string }) {
  const query = useQuery(approvalQuery(id));
  const queryClient = useQueryClient();
  const state = query.data?.state;
  useEffect(() => {
    // What was written is on the cards now, and the last line on its page.
    if (state === undefined || state === 'requested') return;
    showChanged(queryClient);
    // Of an undo, the approval that it undoes is another one now: it is read anew when somebody goes back to it.
    void queryClient.invalidateQueries({ queryKey: keys.approvals.all, refetchType: 'none' });
    void queryClient.invalidateQueries({ queryKey: keys.approvals.lines(id) });
  }, [state, id, queryClient]);
  return (
    <Loaded query={query} what="The outcomes" loading={<Skeleton label="Reading the approval …" rows={6} />}>
      {(approval) => (
        <>
          <Standing approval={approval} />
          <Lines approval={approval} />
          {approval.skipped.length > 0 && <Skipped approval={approval} />}
        </>
      )}
    </Loaded>
  );
}

/** How far it is, in a sentence. */
function standingOf({ lines, counts, undone }: Approval): string {
  const { applied, already, verified, conflict, rejected, withdrawn, replaced, todo } = counts;
  const done = applied + already + verified - undone;
  const parts = [
    `${formatCount(done)} of ${formatMany(lines, 'change', 'changes')} in the PSA`,
    ...(undone > 0 ? [`${formatCount(undone)} undone`] : []),
    ...(todo > 0 ? [`${formatCount(todo)} to do`] : []),
    ...(conflict > 0 ? [formatMany(conflict, 'conflict', 'conflicts')] : []),
    ...(rejected > 0 ? [`${formatCount(rejected)} refused`] : []),
    ...(withdrawn > 0 ? [`${formatCount(withdrawn)} withdrawn`] : []),
    ...(replaced > 0 ? [`${formatCount(replaced)} replaced`] : []),
  ];
  return `${parts.join(', ')}.`;
}

const sums = [
  ['billed', 'In the PSA, and billed from now on'],
  ['open', 'Not done yet'],
  ['notWritten', 'Came to nothing'],
  ['undone', 'Undone'],
] as const;

/** What the next invoices change by, by what became of it; each currency by itself. */
function Money({ approval: { money } }: { approval: Approval }) {
  const facts = sums.map(([of, name]) => {
    const amounts = money.filter((each) => each[of] !== 0 || of === 'billed');
    return { name, amounts: amounts.map((each) => formatMoneyChange(each[of], each.currency)) };
  });
  return (
    <Facts
      facts={facts
        .filter(({ amounts }) => amounts.length > 0)
        .map(({ name, amounts }) => ({ name, value: amounts.join(' · ') }))}
    />
  );
}

/** What it wrote may be undone while nothing of it is being written; an undo itself is not undone. */
const mayBeUndone = ({ state, undoOf }: Approval) => state !== 'requested' && undoOf === null;

function Standing({ approval }: { approval: Approval }) {
  const { id, counts, undone, undoOf, note, process, psaConnectionId } = approval;
  const words = usePsaWords(psaConnectionId);
  const mayOperate = useMay('operate');
  const queryClient = useQueryClient();
  const again = () => void queryClient.invalidateQueries({ queryKey: keys.approvals.one(id) });
  const [isUndoing, setUndoing] = useState(false);
  const withdraw = useMutation({
    mutationFn: () => ask(api.POST('/v1/approvals/{id}/withdraw', { params: { path: { id } } })),
    onSuccess: () => {
      tell('Withdrawn', 'Nothing of it is to be done any more.');
      again();
      showChanged(queryClient);
    },
    onError: tellProblem,
  });
  const retry = useMutation({
    mutationFn: () => ask(api.POST('/v1/approvals/{id}/retry', { params: { path: { id } } })),
    onSuccess: again,
    onError: tellProblem,
  });
  const isBlocked = process?.steps.some((step) => step.state === 'blocked') ?? false;
  return (
    <Section
      title={undoOf === null ? 'What became of it' : 'Undo: what became of it'}
      aside={<StatusWord tone={endOf(approval).tone}>{endOf(approval).word}</StatusWord>}
    >
      <p role="status">{standingOf(approval)}</p>
      {undoOf !== null && (
        <p>
          It undoes{' '}
          <Link to="/approvals/$id" params={{ id: undoOf }}>
            an earlier approval
          </Link>
          .
        </p>
      )}
      <Money approval={approval} />
      {note !== null && <Banner title={note} />}
      {process && isBlocked && <Steps label="Steps of this approval" steps={process.steps} />}
      {mayOperate && (
        <Actions>
          {counts.applied > undone && mayBeUndone(approval) && (
            <Button onPress={() => setUndoing(true)}>Undo what was written …</Button>
          )}
          {counts.todo > 0 && (
            <Button onPress={() => withdraw.mutate()} isDisabled={withdraw.isPending}>
              Withdraw all to-dos
            </Button>
          )}
          {isBlocked && (
            <Button onPress={() => retry.mutate()} isDisabled={retry.isPending}>
              Try again now
            </Button>
          )}
        </Actions>
      )}
      {isUndoing && <UndoDialog approval={approval} words={words} onClose={() => setUndoing(false)} />}
    </Section>
  );
}

const nameOf = ({ psaAccountName, psaAccountId, productId, psaProductId }: ApprovalLine) =>
  `${psaAccountName ?? psaAccountId}, ${productId ?? psaProductId}`;

function Lines({ approval }: { approval: Approval }) {
  const { id, psaConnectionId } = approval;
  const words = usePsaWords(psaConnectionId);
  const mayOperate = useMay('operate');
  const queryClient = useQueryClient();
  const query = useInfiniteQuery(linesQuery(id, approval.state === 'requested'));
  const [undone, setUndone] = useState<ApprovalLine>();
  const withdraw = useMutation({
    mutationFn: (lineId: string) =>
      ask(api.POST('/v1/approvals/{id}/lines/{lineId}/withdraw', { params: { path: { id, lineId } } })),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: keys.approvals.one(id) });
      showChanged(queryClient);
    },
    onError: tellProblem,
  });
  const columns: readonly TableColumn<ApprovalLine>[] = [
    ...changeColumns(words),
    {
      id: 'state',
      title: 'Outcome',
      width: 150,
      cell: ({ state, undoneBy }) =>
        undoneBy === null ? (
          <StatusWord tone={states[state].tone}>{states[state].word}</StatusWord>
        ) : (
          <Link to="/approvals/$id" params={{ id: undoneBy }}>
            <StatusWord tone="quiet">Undone</StatusWord>
          </Link>
        ),
    },
    {
      id: 'note',
      title: 'Note',
      wraps: true,
      cell: (line) => {
        if (mayOperate && line.state === 'todo')
          return (
            <Button
              look="quiet"
              aria-label={`Withdraw the change of ${nameOf(line)}`}
              onPress={() => withdraw.mutate(line.id)}
              isDisabled={withdraw.isPending}
            >
              Withdraw
            </Button>
          );
        if (mayOperate && line.state === 'applied' && line.undoneBy === null && mayBeUndone(approval))
          return (
            <Button look="quiet" aria-label={`Undo the change of ${nameOf(line)}`} onPress={() => setUndone(line)}>
              Undo …
            </Button>
          );
        return formatDaysIn(line.problem?.detail ?? '');
      },
    },
  ];
  return (
    <Loaded query={query} what="The lines" loading={<Skeleton label="Reading the lines …" rows={6} />}>
      {({ pages }) => {
        const rows = pages.flatMap(({ items }) => items);
        const problems = rows.filter(({ problem }) => problem !== null);
        return (
          <>
            <Table label="Changes" columns={columns} rows={rows} nameOf={nameOf} />
            {undone && (
              <UndoDialog approval={approval} only={undone} words={words} onClose={() => setUndone(undefined)} />
            )}
            {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>More changes</Button>}
            {problems.length > 0 && (
              <Section title="What did not go as approved">
                <ul>
                  {problems.map((line) => (
                    <li key={line.id}>
                      <strong>
                        <CardLink change={line} />, {line.productId ?? line.psaProductId}
                      </strong>
                      : {formatDaysIn(line.problem?.detail ?? '')}
                      {mayOperate && isAsked(line) && <AskedLine approvalId={id} line={line} />}
                    </li>
                  ))}
                </ul>
              </Section>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

/** Why a card was left out; where it shows other numbers by now, both. */
function wordsOf({ reason, words, asked, now }: Schema<'SkippedCard'>): string {
  const shown = `shown ${formatCount(asked.from)} → ${formatCount(asked.to)}`;
  if (reason !== 'differs' || now === null || now.from === null || now.to === null) return `${shown}. ${words}`;
  const isOther = now.lineId !== asked.lineId || now.effectiveDate !== asked.effectiveDate;
  return `${shown}, now ${formatCount(now.from)} → ${formatCount(now.to)}. ${isOther ? words : 'Look at the card again.'}`;
}

/** Cards that are not as they were shown, with both numbers. */
function Skipped({ approval: { id, skipped } }: { approval: Approval }) {
  const query = useInfiniteQuery(skippedQuery(id));
  const cards = skipped.reduce((sum, each) => sum + each.cards, 0);
  return (
    <Section title={`${formatMany(cards, 'card was', 'cards were')} left out`}>
      <Loaded
        query={query}
        what="The cards left out"
        loading={<Skeleton label="Reading what was left out …" rows={3} />}
      >
        {({ pages }) => (
          <>
            <ul aria-label="Left out">
              {pages
                .flatMap(({ items }) => items)
                .map((each) => (
                  <li key={each.cardId}>
                    <strong>
                      {each.psaAccountName === null ? (
                        'A card that is gone'
                      ) : (
                        <Link to="/reconcile" search={{ card: each.cardId }}>
                          {each.psaAccountName}
                        </Link>
                      )}
                      {each.productId === null ? '' : `, ${each.productId}`}
                    </strong>
                    : {formatDaysIn(wordsOf(each))}
                  </li>
                ))}
            </ul>
            {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>More</Button>}
          </>
        )}
      </Loaded>
    </Section>
  );
}
