/** Taking a list that is not whole, knowingly: for the round under way only, to raise and add, never to lower or remove. */
import type { Transaction } from '../db/client.ts';
import { recordAudit } from '../db/queries/audit.ts';
import { commitFact, listSteps, ownerOf, type ProcessRef } from '../db/queries/process.ts';
import { acceptStep } from '../db/queries/acceptance.ts';
import { Refusal } from './refusal.ts';

/** What a step is blocked with whose lists did not arrive whole. */
const incompleteCodes = new Set(['incomplete', 'contradictory']);
/** Steps that can do with a part of a list. */
const canAccept = new Set([
  'verifyCredentials',
  'pullVendor',
  'checkComplete',
  'pullCustomer',
  'pullPsa',
  'checkPermissions',
]);

/**
 * Lets the blocked step go on with lists that are not whole. The caller wakes the process.
 *
 * @param input.step its name; absent = the one that is blocked
 * @param input.subject what the audit names: an integration, a PSA connection, a vendor account
 * @throws Refusal `not-found` when there is no such step, `nothing-incomplete` when none is blocked because of a list, or
 *   somebody has accepted it already
 */
export async function acceptIncomplete(
  tx: Transaction,
  actor: string,
  input: {
    organizationId: string;
    process: ProcessRef;
    step?: string;
    subject: { subjectKind: string; subjectId: string };
  },
): Promise<void> {
  const { process: ref, step } = input;
  const steps = await listSteps(tx, ref);
  const found = steps.find((row) => (step === undefined ? row.state === 'blocked' : row.step === step));
  if (!found && step !== undefined) throw new Refusal('unknown', 'not-found', 'There is no such step.');
  const owner = await ownerOf(tx, ref);
  if (!owner || !found?.problem || !incompleteCodes.has(found.problem.code) || !canAccept.has(found.step)) {
    throw new Refusal(
      'conflict',
      'nothing-incomplete',
      'No step is blocked because a list did not arrive whole, so there is nothing to accept.',
    );
  }
  if (!(await acceptStep(tx, { ...ref, round: owner.round, step: found.step }, actor)))
    throw new Refusal('conflict', 'nothing-incomplete', 'The incomplete list was accepted already; it is being read.');
  await commitFact(tx, ref);
  await recordAudit(tx, input.organizationId, {
    actor,
    action: 'incomplete.accept',
    ...input.subject,
    after: { process: ref.kind, round: owner.round, step: found.step, what: found.problem.what },
  });
}
