/** Applies the mappings of a file, all of them or none. */
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
import { namesOfActors, versionOf } from './seen.ts';
import { decideServices } from './serviceMapping.ts';

/** The changes that a file makes, or (in a dry run) would make. */
interface ImportedMappings {
  applied: boolean;
  changes: (Pick<MappingPlan['changes'][number], 'line' | 'kind' | 'id' | 'name'> & {
    before: string;
    after: string;
  })[];
  /** The number of lines that say what is in force already. */
  unchanged: number;
  /** The file's errors; with even one of them, nothing is changed. */
  errors: MappingPlan['errors'];
  /**
   * The version of a dry run: every change with its old and new value, and the time of the dry run, so that a later
   * refusal can say who made a change in between.
   */
  version: string;
}

/**
 * Applies a file of mappings on behalf of a person, or returns what it would change. The caller holds the integration's
 * lock, so that the state from which the plan was made is the state that is changed.
 *
 * @param input.csv the text of the file
 * @param input.seen the `version` of the dry run that is applied; undefined = this is a dry run
 * @throws Refusal when the file has errors, or would make other changes than its dry run has shown
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

/** @returns the processes to wake after the commit */
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
  const via = { integration: row, via: 'file' } as const;
  const services = plan.changes.filter((change) => change.kind === 'service');
  const accounts = plan.changes.filter((change) => change.kind === 'account');
  const ofServices = services.map(({ id, mapping }) => ({ serviceId: id, mapping }));
  await decideServices(tx, actor, { ...via, decisions: ofServices });
  const ofAccounts = accounts.map(({ id, excluded, psaAccountId }) => ({
    vendorAccountId: id,
    excluded,
    psaAccountId,
  }));
  return (await decideAccounts(tx, actor, { ...via, how: 'person', decisions: ofAccounts })).toWake;
}

/** The most items that a message names: a person does not read more. */
const maxNamed = 3;

async function whoChanged(tx: Transaction, row: IntegrationRow, since: number): Promise<string> {
  if (!Number.isSafeInteger(since)) return '';
  const entries = await listAuditSince(tx, row.organizationId, {
    since,
    kinds: ['vendor_account', 'service'],
    under: `${row.id}/`,
  });
  if (entries.length === 0) return '';
  const names = await namesOfActors(
    tx,
    entries.map(({ actor }) => actor),
  );
  const words = entries.map(
    ({ actor, action, subjectId, at }) =>
      `${names.get(actor)} did ${action} of ${subjectId.slice(row.id.length + 1)} at ${at.toISOString()}`,
  );
  return `: meanwhile ${listed(words, maxNamed)}`;
}
