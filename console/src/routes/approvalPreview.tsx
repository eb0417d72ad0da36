import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { api, ask } from '../api/client.ts';
import { keys } from '../api/keys.ts';
import { isProblem } from '../api/problem.ts';
import { changeColumns, MoneySentences } from '../features/approvals/changes.tsx';
import { previewLinesQuery, previewQuery, type Preview } from '../features/approvals/queries.ts';
import { usePreview } from '../features/approvals/usePreview.ts';
import { showChanged } from '../features/cards/queries.ts';
import { usePsaWords } from '../features/catalogue/queries.ts';
import { capital } from '../features/mappings/words.ts';
import { useMay } from '../features/me/queries.ts';
import { useWrittenTo } from '../features/psaConnections/queries.ts';
import { summaryQuery } from '../features/summary/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { formatCount, formatMany } from '../ui/format.ts';
import { DownloadButton, LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Actions, Section } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { Table, type TableColumn } from '../ui/Table.tsx';
import { tellProblem } from '../ui/Toast.tsx';

const route = getRouteApi('/shell/approvals/previews/$id');

/** The exact writes that approving makes, before it makes them. */
export function ApprovalPreviewPage() {
  const { id } = route.useParams();
  const query = useQuery(previewQuery(id));
  return (
    <Page
      title="Approve"
      lead="These are the exact changes. Nothing is written before you approve them, and nothing else is."
      actions={
        <>
          <DownloadButton path={`/v1/approvals/previews/${id}/lines.csv`}>Download CSV</DownloadButton>
          <LinkButton to="/reconcile">Back to Reconcile</LinkButton>
        </>
      }
    >
      <Loaded query={query} what="Previews" loading={<Skeleton label="Reading the changes …" rows={8} />}>
        {(preview) => <Shown key={id} preview={preview} />}
      </Loaded>
    </Page>
  );
}

function Shown({ preview }: { preview: Preview }) {
  const { cards, money, leftOut, proration, approvalId, approvedSince } = preview;
  if (cards === 0) {
    return (
      <>
        <EmptyState title="Nothing of it can be approved at once">
          {leftOut.length === 0
            ? 'What is billed there is what is used.'
            : 'Each of these cards needs a person first. Open it to see why.'}
        </EmptyState>
        <LeftOut leftOut={leftOut} />
      </>
    );
  }
  return (
    <>
      <Section title={formatMany(cards, 'change', 'changes')}>
        <MoneySentences money={money.map(({ cards: lines, ...each }) => ({ ...each, lines }))} />
        {proration.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
        {approvalId !== null && <Approved title="These changes were approved already" approvalId={approvalId} />}
        {approvedSince.map((since) => (
          <Approved
            key={since.approvalId}
            title={`${formatCount(since.cards)} of ${formatMany(cards, 'change was', 'changes were')} approved meanwhile`}
            approvalId={since.approvalId}
          />
        ))}
        {approvalId === null && <Decide preview={preview} />}
      </Section>
      <Lines preview={preview} />
      <LeftOut leftOut={leftOut} />
    </>
  );
}

function Approved({ title, approvalId }: { title: string; approvalId: string }) {
  return (
    <Banner
      title={title}
      action={
        <LinkButton to="/approvals/$id" params={{ id: approvalId }}>
          Show what became of them
        </LinkButton>
      }
    />
  );
}

/** The very first approval may be of one customer: what it did is looked at before the rest is. */
function Decide({ preview }: { preview: Preview }) {
  const { id, psaConnectionId, cards, customers, filter, approvedSince } = preview;
  const { rest } = route.useSearch();
  const back = rest === undefined ? {} : { rest };
  const mayOperate = useMay('operate');
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const hasApproved = useQuery(summaryQuery).data?.connections.find(
    (each) => each.psaConnectionId === psaConnectionId,
  )?.hasApproved;
  const writtenTo = useWrittenTo(psaConnectionId);
  const [first] = useInfiniteQuery(previewLinesQuery(id)).data?.pages[0]?.items ?? [];
  const another = usePreview();
  const approve = useMutation({
    mutationFn: (writesEnabled: boolean) => ask(api.POST('/v1/approvals', { body: { previewId: id, writesEnabled } })),
    onSuccess: ({ approval }) => {
      showChanged(queryClient);
      return navigate({
        to: '/approvals/$id',
        params: { id: approval.id },
        search: back,
        replace: true,
      });
    },
    onError: (error) => {
      tellProblem(error);
      void queryClient.invalidateQueries({ queryKey: keys.psaConnections.one(psaConnectionId) });
      void queryClient.invalidateQueries({ queryKey: keys.approvals.preview(id), exact: true });
    },
  });
  if (!mayOperate) return <p>You may look, and approve nothing.</p>;
  const isRefused = isProblem(approve.error) && approve.error.code === 'nothing-to-approve';
  if (approvedSince.length > 0 || isRefused)
    return (
      <Actions>
        <Button
          look="main"
          onPress={() => another.mutate({ psaConnectionId, filter, ...back })}
          isDisabled={another.isPending}
        >
          Preview anew
        </Button>
      </Actions>
    );
  // A to-do list writes nothing, so there is nothing to be careful with.
  const isFirst = hasApproved === false && writtenTo?.writesEnabled === true && customers > 1;
  const verb = writtenTo?.writesEnabled === false ? 'Put on the to-do list:' : 'Approve';
  return (
    <>
      {writtenTo && !writtenTo.writesEnabled && (
        <Banner title={`Writing to ${writtenTo.name} is off`}>
          <p>
            Approving makes a to-do list: you make the changes in the PSA, and its next read ticks off what is done.
          </p>
        </Banner>
      )}
      {isFirst && first && (
        <Banner
          title="Nothing was written to this PSA before"
          action={
            <Button
              onPress={() =>
                another.mutate({
                  psaConnectionId,
                  filter: { ...filter, psaAccountId: first.psaAccountId },
                  rest: id,
                })
              }
              isDisabled={another.isPending}
            >
              Begin with {first.psaAccountName ?? 'one customer'}
            </Button>
          }
        >
          <p>Begin with one customer: its numbers are written and read back, and then you go on with the rest.</p>
        </Banner>
      )}
      <Actions>
        <Button
          look="main"
          onPress={() => writtenTo && approve.mutate(writtenTo.writesEnabled)}
          isDisabled={approve.isPending || !writtenTo}
        >
          {approve.isPending ? 'Approving …' : `${verb} ${formatMany(cards, 'change', 'changes')}`}
        </Button>
      </Actions>
    </>
  );
}

function Lines({ preview }: { preview: Preview }) {
  const words = usePsaWords(preview.psaConnectionId);
  const query = useInfiniteQuery(previewLinesQuery(preview.id));
  type Line = NonNullable<typeof query.data>['pages'][number]['items'][number] & { id: string };
  const all = changeColumns(words);
  const [before, after] = [all.slice(0, 2), all.slice(2)];
  const columns: readonly TableColumn<Line>[] = [
    ...before,
    { id: 'agreement', title: capital(words.agreement.one), cell: (line) => line.agreementName ?? line.agreementId },
    { id: 'line', title: capital(words.line.one), width: 90, cell: (line) => line.lineId },
    ...after,
  ];
  return (
    <Loaded query={query} what="The changes" loading={<Skeleton label="Reading the changes …" rows={8} />}>
      {({ pages }) => (
        <>
          <Table
            label="Changes"
            columns={columns}
            rows={pages.flatMap(({ items }) => items).map((line) => ({ ...line, id: line.cardId }))}
            nameOf={(line) => `${line.psaAccountName ?? ''} ${line.productId ?? ''}`}
          />
          {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>More changes</Button>}
        </>
      )}
    </Loaded>
  );
}

/** Cards that match and are not approved at once, by reason. */
function LeftOut({ leftOut }: Pick<Preview, 'leftOut'>) {
  if (leftOut.length === 0) return null;
  return (
    <Section title="Not among them">
      <ul>
        {leftOut.map(({ reason, words, cards }) => (
          <li key={reason}>
            {formatMany(cards, 'card', 'cards')}: {words}
          </li>
        ))}
      </ul>
    </Section>
  );
}
