/** What is known of a step, in SQL: everybody who says something of it (`sayStep`) reads the same. */
import { sql } from 'drizzle-orm';
import { judgePermissions, neededForAlerts, neededForBilling, type PermissionFacts } from '../../domain/permissions.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import type { Whose } from '../../domain/process/remedies.ts';
import type { StepFacts } from '../../domain/process/statement.ts';
import type { ProcessKind, StepState } from '../../domain/process/steps.ts';
import { inMilliseconds } from '../interval.ts';
import { isHeld } from './stops.ts';

/**
 * Whether a step that is retried by itself waits for a pause to end.
 *
 * @param alias alias of `process_step` in the statement
 */
export const isPausing = (alias: string) =>
  sql`(${sql.raw(alias)}.state = 'running' and ${sql.raw(alias)}.not_before > now())`;

/**
 * The state of a step as everybody sees it: the workflow, the API, health and metrics. A blocked step that is being tried again
 * stays blocked until the attempt has made progress; otherwise it would seem healthy for the length of each attempt.
 *
 * @param alias alias of `process_step` in the statement
 */
export const shownState = (alias: string) =>
  sql<StepState>`case when ${sql.raw(alias)}.state = 'running' and ${sql.raw(alias)}.blocked_at is not null
                      then 'blocked' else ${sql.raw(alias)}.state end`;

/**
 * The code of a blocked step's problem. While the step is tried again, its problem may be what the new attempt failed with: until
 * that ends the step is blocked as it was.
 */
export const shownCode = (alias: string) =>
  sql<string>`coalesce(${sql.raw(alias)}.problem ->> 'blockedAs', ${sql.raw(alias)}.problem ->> 'code', 'unexpected')`;

/** Whether somebody has paused the activity of a running step in the Temporal UI, as the last sweep found it. */
export const pausedInTemporal = (alias: string) =>
  sql<boolean>`(${sql.raw(alias)}.state = 'running' and exists (
    select from paused_activity pa where (pa.kind, pa.id) = (${sql.raw(alias)}.kind, ${sql.raw(alias)}.id)))`;

/** Whether a step that is at work fails; it does not when it rests, or is shown as blocked. */
export const isFailing = (alias: string) => {
  const s = sql.raw(alias);
  return sql`(${s}.state = 'running' and ${s}.blocked_at is null and ${s}.failing_since is not null
              and not coalesce(${isPausing(alias)}, false))`;
};

/** Whether a step at work has failed for so long that it says so. @param shownMs milliseconds */
export const isRetrying = (alias: string, shownMs: number) =>
  sql`(${isFailing(alias)} and ${sql.raw(alias)}.failing_since <= now() - ${shownMs} * interval '1 millisecond')`;

/** What is known of a step (`StoredFacts`), as a column of a statement. @param alias alias of `process_step` in it */
export const stepFacts = (alias: string) => {
  const s = sql.raw(alias);
  const isBlocked = sql`${shownState(alias)} = 'blocked'`;
  return sql<StoredFacts>`jsonb_strip_nulls(jsonb_build_object(
    'step', ${s}.step, 'state', ${shownState(alias)},
    'pausedInTemporal', nullif(${pausedInTemporal(alias)}, false),
    'pausedUntil', case when ${isPausing(alias)} then to_char(${s}.not_before at time zone 'utc', 'HH24:MI') end,
    'failing', case when ${isFailing(alias)} then jsonb_build_object(
      'forMs', ${inMilliseconds(sql`now() - ${s}.failing_since`)},
      'since', to_char(${s}.failing_since at time zone 'utc', 'HH24:MI'), 'code', coalesce(${s}.problem ->> 'code', 'unexpected'),
      'status', ${s}.problem -> 'status', 'route', ${s}.problem -> 'route') end,
    'waitsOn', case when ${s}.state = 'waiting' then ${other(alias)} end)
    || case when ${isBlocked} then jsonb_build_object(
      'problem', ${shownCode(alias)}, 'since', to_char(${s}.blocked_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
      'status', ${s}.problem -> 'status', 'route', ${s}.problem -> 'route', 'whose', ${whoseOf(alias)}) else '{}' end)`;
};

/** The process for whose round a step waits. If that one is blocked, its problem is said, too, so that nobody need look for it there. */
const other = (alias: string) => {
  const s = sql.raw(alias);
  return sql`(
    select jsonb_build_object('kind', n.other_kind, 'id', n.other_id, 'problem', coalesce(
        (select ${shownCode('os')} from process op
           join process_step os on (os.kind, os.id, os.round) = (op.kind, op.id, op.round) and ${shownState('os')} = 'blocked'
          where (op.kind, op.id) = (n.other_kind, n.other_id) limit 1),
        case when n.other_kind = 'sync' and ${isHeld(sql`n.other_id::uuid`)} then 'held' end))
      from process_need n
     where (n.kind, n.id, n.round, n.step) = (${s}.kind, ${s}.id, ${s}.round, ${s}.step) and n.satisfied_at is null limit 1)`;
};

/** The PSA connection that a process works with. @param p alias of `process`, with its integration as `i` */
export const connectionOf = (p: string) => sql`case ${sql.raw(p)}.kind
  when 'refreshPsa' then ${sql.raw(p)}.id::uuid
  when 'approveUsage' then (select psa_connection_id from approval_batch b where b.id = ${sql.raw(p)}.id::uuid)
  else i.psa_connection_id end`;

/** Whose the process of a blocked step is (`StoredWhose`). */
const whoseOf = (alias: string) => {
  const s = sql.raw(alias);
  return sql`(
    select jsonb_build_object('vendor', i.vendor, 'integrationId', i.id, 'psa', c.name, 'psaKind', c.kind, 'psaConnectionId', c.id,
        'alertsOnly', case when not 'billing' = any(i.modules) then true end,
        'permissions', case when ${s}.problem ->> 'code' = 'missing_rights'
          then case ${s}.step when 'checkPermissions' then c.alert_permissions else c.permissions end end)
      from process wp
      left join integration i on i.id = wp.integration_id
      left join psa_connection c on c.id = ${connectionOf('wp')}
     where (wp.kind, wp.id) = (${s}.kind, ${s}.id))`;
};

interface StoredWhose extends Omit<Whose, 'organization'> {
  psaKind?: string;
  permissions?: PermissionFacts;
}

export interface StoredFacts extends Omit<StepFacts, 'waitsOn' | 'missing'> {
  waitsOn?: { kind: ProcessKind; id: string; problem?: string };
  /** Only of a blocked step. Its `vendor` is the vendor's id. */
  whose?: StoredWhose;
}

/** What is known of a step, for `sayStep`; of a missing right the name that it has in Countersign. */
export interface KnownStep extends StepFacts {
  whose?: Omit<StoredWhose, 'permissions'>;
}

/** Reads a step's facts from their column. */
export function knownOf({ waitsOn, whose, ...facts }: StoredFacts): KnownStep {
  const { permissions, ...known } = whose ?? {};
  return {
    ...facts,
    ...(permissions ? { missing: missingOf(facts.step, permissions) } : {}),
    ...(waitsOn
      ? {
          waitsOn: {
            workflowId: workflowIdOf(waitsOn.kind, waitsOn.id),
            ...(waitsOn.problem === undefined ? {} : { problem: waitsOn.problem }),
          },
        }
      : {}),
    ...(whose ? { whose: known } : {}),
  };
}

function missingOf(step: string, permissions: PermissionFacts): string[] {
  const needed = step === 'checkPermissions' ? neededForAlerts : neededForBilling;
  return judgePermissions(permissions, needed).missing.map(({ capability }) => capability);
}
