/** Mappings that a file changes, all of them or none. */
import type { Wakeable } from '../domain/process/ids.ts';
import type { Transaction } from '../db/client.ts';
import { lastAuditId, listAuditSince } from '../db/queries/audit.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { readMappings } from '../db/queries/mappingFile.ts';
import { listed } from '../domain/listed.ts';
import { createDescriber, mappingOf, planMappings, type MappingPlan } from '../domain/mappingFile.ts';
import { decideAccounts } from './accountMapping.ts';
import type { Actor, Command } from './actor.ts';
import { Refusal } from './refusal.ts';
import { versionOf, whoIs } from './seen.ts';
import { decideServices } from './serviceMapping.ts';

/** What a file changes, or (of a dry run) would change. */
interface ImportedMappings {
  applied: boolean;
  changes: (Pick<MappingPlan['changes'][number], 'line' | 'kind' | 'id' | 'name'> & {
    before: string;
    after: string;
  })[];
  /** Lines that say what is so already. */
  unchanged: number;
  /** With one of these nothing is changed. */
  errors: MappingPlan['errors'];
  /** What a dry run shows, every change from what to what; and when that was, to know later who came between. */
  version: string;
}

/**
 * Changes what a file of mappings says, as a person, or says what it would change. The caller holds the integration's lock,
 * so that what was planned with is what is changed.
 *
 * @param input.csv the text of the file
 * @param input.seen the `version` of the dry run that is applied; undefined = this is a dry run
 * @throws Refusal when the file has errors, or would not change what its dry run has shown
 */
export const importMappings: Command<
  { integration: IntegrationRow; csv: string; seen: string | undefined },
  ImportedMappings
> = async (tx, actor, { integration, csv, seen }) => {
  const now = await readMappings(tx, integration);
  const plan = planMappings(csv, now);
  const { changes, unchanged, errors } = plan;
  if (seen !== undefined && errors.length > 0)
    throw new Refusal(
      'impossible',
      'mapping-file',
      `The file has ${errors.length} errors. Nothing was changed.`,
      errors.map(({ line, message }) => ({ field: `line ${line}`, message })),
    );
  const toWake = seen === undefined ? [] : await apply(tx, integration, actor, plan, seen);
  const describe = createDescriber(now);
  return {
    applied: seen !== undefined,
    changes: changes.map((change) => ({ ...change, ...describe(change) })),
    unchanged,
    errors,
    version: `${changesVersion(plan)}.${await lastAuditId(tx, integration.organizationId)}`,
    toWake,
  };
};

function changesVersion({ changes }: MappingPlan): string {
  return versionOf(
    changes.map((change) =>
      change.kind === 'account'
        ? [change.id, change.before.excluded, change.before.psaAccountId, change.excluded, change.psaAccountId]
        : [change.id, mappingOf(change.before), change.mapping],
    ),
  );
}

/** @returns whom to wake after the commit */
async function apply(
  tx: Transaction,
  row: IntegrationRow,
  actor: Actor,
  plan: MappingPlan,
  seen: string,
): Promise<Wakeable[]> {
  const [changes, since] = seen.split('.');
  if (changes !== changesVersion(plan))
    throw new Refusal(
      'conflict',
      'changed-meanwhile',
      `The file would not change what its dry run has shown${await whoChanged(tx, row, Number(since))}. Nothing was changed. Look at another dry run first.`,
    );
  const by = { actor: actor.name, via: 'file' } as const;
  const services = plan.changes.filter((change) => change.kind === 'service');
  const accounts = plan.changes.filter((change) => change.kind === 'account');
  await decideServices(
    tx,
    row,
    by,
    services.map(({ id, mapping }) => ({ serviceId: id, mapping })),
  );
  return decideAccounts(
    tx,
    row,
    { ...by, how: 'person' },
    accounts.map(({ id, excluded, psaAccountId }) => ({ vendorAccountId: id, excluded, psaAccountId })),
  );
}

/** As many as a person reads. */
const maxNamed = 3;

async function whoChanged(tx: Transaction, row: IntegrationRow, since: number): Promise<string> {
  if (!Number.isSafeInteger(since)) return '';
  const entries = await listAuditSince(tx, row.organizationId, {
    since,
    kinds: ['vendor_account', 'service'],
    under: `${row.id}/`,
  });
  if (entries.length === 0) return '';
  const names = new Map<string, string>();
  for (const { actor } of entries) if (!names.has(actor)) names.set(actor, await whoIs(tx, actor));
  const words = entries.map(
    ({ actor, action, subjectId, at }) =>
      `${names.get(actor)} did ${action} of ${subjectId.slice(row.id.length + 1)} at ${at.toISOString()}`,
  );
  return `: meanwhile ${listed(words, maxNamed)}`;
}
