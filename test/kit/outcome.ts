/** What a finished guide has left behind, here and in the PSA, so that a disturbed run can be compared with an undisturbed one. */
import { sql } from 'drizzle-orm';
import { billedLinesOf } from './simulatorState.ts';
import type { System } from './system.ts';
import { visibleIn, type Visible } from './visible.ts';

/** Ids of ours differ from run to run. */
const uuids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export interface Outcome extends Visible {
  /** Audited changes, each with how often it occurs: a change that occurs twice was made twice. */
  audit: string[];
  steps: string[];
  approvals: { line: string; from: number; to: number; state: string }[];
  billed: { id: number; quantity: number }[];
  /** The requests that set a quantity. */
  writes: string[];
  leftovers: string[];
}

export async function outcomeOf(system: System): Promise<Outcome> {
  const { db } = system.database;
  const { setQuantity } = system.psa.requests;
  const { rows: audit } = await db.execute<{ text: string }>(sql`
    select count(*) || ' × ' || action || ' ' ||
           case when subject_kind = 'agreement_line' then subject_id || ' ' || coalesce(before::text, '') || ' ' || coalesce(after::text, '')
                else subject_kind end as text
      from audit group by action, subject_kind,
           case when subject_kind = 'agreement_line' then subject_id || ' ' || coalesce(before::text, '') || ' ' || coalesce(after::text, '')
                else subject_kind end
     order by 1`);
  const { rows: steps } = await db.execute<{ text: string }>(sql`
    select s.kind || ' ' || s.step || ' ' || s.state as text
      from process p join process_step s on (s.kind, s.id, s.round) = (p.kind, p.id, p.round) order by s.kind, s.position`);
  const { rows: approvals } = await db.execute<Outcome['approvals'][number]>(sql`
    select line_id as line, expected_quantity as "from", target as "to", state from approval_line order by line_id`);
  const { rows: leftovers } = await db.execute<{ text: string }>(sql`
    select 'staged ' || entity as text from staging_row
    union all select 'answer kept for ' || step from kept_answer
    union all select 'need of ' || kind from process_need where satisfied_at is null
    union all select 'request without a run' from sync_request where run_id is null
    union all select 'run ' || state from sync_run where finished_at is null
    union all select 'refresh ' || state from psa_refresh where state = 'running'`);
  const texts = (rows: Iterable<{ text: string }>) => [...rows].map((row) => row.text);
  return {
    ...(await visibleIn(system)),
    audit: texts(audit),
    steps: texts(steps),
    approvals: [...approvals],
    billed: (await billedLinesOf(system)).map(({ id, quantity }) => ({ id, quantity })),
    writes: (await system.psa.log(setQuantity.method, setQuantity.path))
      .map((entry) => `${entry.path} ${JSON.stringify(entry.body)}`.replaceAll(uuids, 'an id of ours'))
      .sort(),
    leftovers: texts(leftovers),
  };
}
