import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { formatCount, formatMany } from '../../ui/format.ts';
import { DownloadButton } from '../../ui/LinkButton.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import { useVendorName } from '../catalogue/queries.ts';
import { useIntegrationName } from '../integrations/names.ts';
import { integrationsQuery } from '../integrations/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { refusedPostsQuery, type RefusedPost } from './queries.ts';

/** What a vendor sent and Countersign did not take, and why; nothing when no vendor sends. */
export function RefusedPosts() {
  const integrations = useQuery(integrationsQuery).data?.items ?? [];
  const [chosenId, choose] = useState<string>();
  const vendorName = useVendorName();
  const integrationName = useIntegrationName();
  // Alerts are sent whatever the intake of counts is.
  const sent = integrations.filter(({ intake, modules }) => intake === 'push' || modules.includes('alerts'));
  const chosen = sent.find(({ id }) => id === chosenId) ?? sent[0];
  if (!chosen) return undefined;
  const choices = sent.map(({ id }) => ({ id, name: integrationName(id) ?? id }));
  return (
    <Section
      title="Refused posts"
      aside={<DownloadButton path={`/v1/integrations/${chosen.id}/intake.csv`}>Download CSV</DownloadButton>}
    >
      <Soft>
        What {vendorName(chosen.vendor)} sent and Countersign did not take. Nothing of it was lost that was sent again
        and taken.
      </Soft>
      {sent.length > 1 && <Select label="Integration" choices={choices} chosen={chosen.id} onChoose={choose} />}
      <Posts key={chosen.id} integration={chosen} />
    </Section>
  );
}

type Row = RefusedPost & { id: string };

const columns: readonly TableColumn<Row>[] = [
  { id: 'account', title: 'Account sent', cell: ({ accountId }) => (accountId === '' ? 'Not readable' : accountId) },
  { id: 'service', title: 'Service sent', cell: ({ serviceId }) => (serviceId === '' ? '—' : serviceId) },
  { id: 'kind', title: 'What', width: 80, cell: ({ kind }) => (kind === 'count' ? 'A count' : 'An alert') },
  { id: 'why', title: 'Why', cell: ({ reason }) => <span title={reason.detail}>{reason.detail}</span> },
  { id: 'times', title: 'Times', width: 80, isNumeric: true, cell: ({ times }) => formatCount(times) },
  { id: 'last', title: 'Last', width: 140, cell: ({ lastAt }) => <When at={lastAt} /> },
];

function Posts({ integration: { id } }: { integration: Integration }) {
  const query = useInfiniteQuery(refusedPostsQuery(id));
  return (
    <Loaded query={query} what="The refused posts" loading={<Skeleton label="Reading the refused posts …" rows={3} />}>
      {({ pages }) => {
        const rows = pages
          .flatMap(({ items }) => items)
          .map((post) => ({ ...post, id: `${post.kind} ${post.accountId} ${post.serviceId}` }));
        const refused = pages[0]?.refused;
        if (rows.length === 0) return <Soft>Nothing is refused.</Soft>;
        return (
          <>
            <Table
              label="Refused posts"
              columns={columns}
              rows={rows}
              nameOf={({ accountId, reason }) => `${accountId}: ${reason.detail}`}
            />
            {refused && refused.forgotten > 0 && (
              <Soft>
                {formatMany(refused.forgotten, 'older row was', 'older rows were')} deleted, because there were too
                many.
              </Soft>
            )}
            {query.hasNextPage && (
              <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
                {query.isFetchingNextPage ? 'Reading more …' : 'More refused posts'}
              </Button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
