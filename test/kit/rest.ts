import { sql } from 'drizzle-orm';
import type { System } from './system.ts';
import { until } from '../../dev/until.ts';

/** Waits until every requested sync has had its run, no refresh is under way, and no need is open. */
export async function untilAtRest(system: System, limitMs = 60_000): Promise<void> {
  await until(
    'every requested sync and refresh to be over',
    async () => {
      const { rows: open } = await system.database.db.execute(sql`
        select 1 from sync_request r left join sync_run s on s.id = r.run_id where s.finished_at is null
        union all select 1 from psa_refresh where state = 'running'
        union all select 1 from process_need where satisfied_at is null`);
      return open.length === 0;
    },
    limitMs,
  );
}
