import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isProblem } from '../../api/problem.ts';
import type { Schema } from '../../api/types.ts';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Facts, Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { capital } from '../mappings/words.ts';
import styles from './alertSettings.module.css';
import { previewQuery } from './queries.ts';

/** How long nothing may be typed before the preview is made anew. */
const pauseMs = 300;

/** The ticket that a made-up alert would become with these texts, once typing has paused. */
export function usePreview(
  integrationId: string,
  { summary, body, priority }: Record<'summary' | 'body' | 'priority', string>,
) {
  const [asked, setAsked] = useState({ summary, body });
  useEffect(() => {
    // An empty text is refused when it is saved; until then there is nothing to show of it.
    if (summary.trim() === '' || body.trim() === '') return;
    const timer = setTimeout(() => setAsked({ summary, body }), pauseMs);
    return () => clearTimeout(timer);
  }, [summary, body]);
  return useQuery(previewQuery(integrationId, { ...asked, priority: Number(priority) }));
}

interface Props {
  preview: UseQueryResult<Schema<'TicketPreview'>>;
  words: PsaWords;
}

export function TicketPreview({ preview, words }: Props) {
  const { data, error } = preview;
  if (isProblem(error) && error.fields.length > 0)
    return <Soft>There is no preview of a text with a field that is not known.</Soft>;
  if (error) return <ProblemBanner error={error} onRetry={() => void preview.refetch()} />;
  if (!data) return <Skeleton label="Making the preview …" />;
  return (
    <>
      <Facts
        facts={[
          { name: capital(words.board.one), value: data.board ?? 'None chosen yet' },
          { name: 'Status', value: data.status ?? '—' },
          { name: 'Type', value: data.type ?? '—' },
          { name: 'Priority', value: data.priority ?? '—' },
          ...data.fields.map(({ label, value }) => ({ name: label, value: value ?? '—' })),
        ]}
      />
      <div className={styles['ticket']}>
        <p className={styles['summary']}>{data.summary}</p>
        <p className={styles['body']}>{data.body}</p>
      </div>
    </>
  );
}
