import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Outcome } from '../features/approvals/Outcome.tsx';
import { approvalQuery, previewQuery } from '../features/approvals/queries.ts';
import { usePreview } from '../features/approvals/usePreview.ts';
import { summaryQuery } from '../features/summary/queries.ts';
import { Button } from '../ui/Button.tsx';
import { DownloadButton, LinkButton } from '../ui/LinkButton.tsx';
import { endOf } from '../features/approvals/words.ts';
import { Page } from '../ui/Page.tsx';
import { When } from '../ui/When.tsx';

const route = getRouteApi('/shell/approvals/$id');

/** What became of an approval. */
export function ApprovalPage() {
  const { id } = route.useParams();
  const { rest } = route.useSearch();
  const approval = useQuery(approvalQuery(id)).data;
  return (
    <Page
      title="Approval"
      lead={
        approval && (
          <>
            By {approval.requestedByName}, <When at={approval.createdAt} />: {endOf(approval).word}. Each change is
            written once, read back, and shown here as it happens.
          </>
        )
      }
      actions={
        <>
          <DownloadButton path={`/v1/approvals/${id}/lines.csv`}>Download CSV</DownloadButton>
          <LinkButton to="/approvals">All approvals</LinkButton>
          <LinkButton to="/reconcile">Back to Reconcile</LinkButton>
          {rest !== undefined && <GoOn approvalId={id} rest={rest} />}
        </>
      }
    >
      <Outcome key={id} id={id} />
    </Page>
  );
}

/** After the first customer: the rest is previewed anew, as it is now. */
function GoOn({ approvalId, rest }: { approvalId: string; rest: string }) {
  const preview = useQuery(previewQuery(rest)).data;
  const ready = useQuery(summaryQuery).data?.found.reduce((sum, each) => sum + each.ready, 0);
  const isOver = useQuery(approvalQuery(approvalId)).data?.state !== 'requested';
  const begin = usePreview();
  // Gone back to after the rest was approved, too, there is nothing to go on with.
  if (ready === 0 || preview?.approvalId) return null;
  return (
    <Button
      look="main"
      isDisabled={!preview || !isOver || begin.isPending}
      onPress={() => preview && begin.mutate({ psaConnectionId: preview.psaConnectionId, filter: preview.filter })}
    >
      Go on with the rest
    </Button>
  );
}
