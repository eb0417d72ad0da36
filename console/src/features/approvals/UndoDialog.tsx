import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, ask } from '../../api/client.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { formatMany } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table } from '../../ui/Table.tsx';
import { tellProblem } from '../../ui/Toast.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { changeColumns, MoneySentences } from './changes.tsx';
import { undoQuery, type Approval, type ApprovalLine, type Undo } from './queries.ts';

interface Props {
  approval: Approval;
  /** The only line to undo, so that the others stay; absent = all lines of the approval. */
  only?: ApprovalLine | undefined;
  words: PsaWords;
  onClose: () => void;
}

/** The exact writes of an undo, before it makes them. What is then sent names what was shown here. */
export function UndoDialog({ approval, only, words, onClose }: Props) {
  const { id } = approval;
  const line = only && { lineId: only.id };
  const navigate = useNavigate();
  const query = useInfiniteQuery(undoQuery(id, line));
  const shown = query.data?.pages[0];
  const lines = shown?.lines ?? 0;
  const undo = useMutation({
    mutationFn: (seen: string) =>
      ask(api.POST('/v1/approvals/{id}/undo', { params: { path: { id }, query: { ...line, seen } } })),
    onSuccess: (answer) => {
      onClose();
      return navigate({ to: '/approvals/$id', params: { id: answer.approval.id } });
    },
    onError: (error) => {
      tellProblem(error);
      // What can be undone has changed: it is shown as it is now, and the person decides again.
      void query.refetch();
    },
  });
  return (
    <Dialog
      title={lines === 0 ? 'Undo' : `Undo ${formatMany(lines, 'change', 'changes')}?`}
      isOpen
      isWide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{lines === 0 ? 'Close' : 'Not now'}</Button>
          {shown && lines > 0 && (
            <Button look="main" onPress={() => undo.mutate(shown.version)} isDisabled={undo.isPending}>
              {shown.writesEnabled
                ? `Undo ${formatMany(lines, 'change', 'changes')}`
                : `List ${formatMany(lines, 'to-do', 'to-dos')}`}
            </Button>
          )}
        </>
      }
    >
      <Loaded query={query} what="The undo" loading={<Skeleton label="Reading what can be undone …" rows={4} />}>
        {({ pages }) => (
          <>
            {pages[0] && <Meaning undo={pages[0]} approval={approval} isOne={only !== undefined} />}
            <Lines undo={pages.flatMap(({ items }) => items)} words={words} />
            {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>More</Button>}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

function Meaning({ undo, approval, isOne }: { undo: Undo; approval: Approval; isOne: boolean }) {
  const { lines, writesEnabled, money } = undo;
  const byOthers = isOne ? 0 : approval.counts.already + approval.counts.verified;
  return (
    <>
      {lines === 0 ? (
        <p>{isOne ? 'This change cannot be undone any more.' : 'Nothing of this approval can be undone any more.'}</p>
      ) : (
        <>
          <p>
            {isOne
              ? 'Exactly this line is set back. The other changes of the approval stay as they are.'
              : 'Exactly these lines are set back, and nothing else is.'}{' '}
            An undo cannot be undone; its {isOne ? 'card' : 'cards'} can be approved again.
          </p>
          <MoneySentences money={money} />
        </>
      )}
      {lines > 0 && !writesEnabled && (
        <Banner title="Writing to this PSA is off">
          <p>This makes a to-do list: you set them back in the PSA, and its next read ticks off what is done.</p>
        </Banner>
      )}
      {byOthers > 0 && (
        <Soft>
          {formatMany(byOthers, 'change was', 'changes were')} not written by Countersign: the PSA held the number
          already, or somebody made the change by hand. An undo leaves that alone.
        </Soft>
      )}
    </>
  );
}

function Lines({ undo, words }: { undo: Undo['items']; words: PsaWords }) {
  const written = undo.filter(({ reason }) => reason === null);
  const left = undo.filter(({ reason }) => reason !== null);
  return (
    <>
      {written.length > 0 && (
        <Table
          label="What is set back"
          columns={changeColumns(words)}
          rows={written.map((line) => ({ ...line, id: line.cardId }))}
          nameOf={(line) => `${line.psaAccountName ?? ''} ${line.productId ?? ''}`}
        />
      )}
      {left.length > 0 && (
        <div>
          <h3>Left alone</h3>
          <ul aria-label="Left alone">
            {left.map(({ cardId, psaAccountName, psaAccountId, productId, psaProductId, words: why }) => (
              <li key={cardId}>
                <strong>
                  {psaAccountName ?? psaAccountId}, {productId ?? psaProductId}
                </strong>
                : {why}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
