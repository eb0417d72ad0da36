/** Actions of a person on a step: to declare it complete, to retry it, to accept an incomplete list. */
import { acceptStep } from '../db/queries/acceptance.ts';
import { countMappings, type IntegrationRow } from '../db/queries/integration.ts';
import { commitFact, completeByFact, ownerOf } from '../db/queries/process.ts';
import { listSteps } from '../db/queries/processView.ts';
import { connectProcess, migrationProcess, type Wakeable } from '../domain/process/ids.ts';
import { titleOfStep, whoIn } from '../domain/process/labels.ts';
import { isFinished, type StepState } from '../domain/process/steps.ts';
import { audit, type Command } from './actor.ts';
import { endPause } from './endPause.ts';
import { Refusal } from './refusal.ts';

/** A step of the round under way. */
interface StepInput {
  process: Wakeable;
  /** The step's name; absent = the step that is blocked, or (for a retry) that waits for a pause. */
  step?: string;
  /** The subject of the audit row: an integration, a PSA connection, an approval, an alert, a vendor account. */
  subject: { subjectKind: string; subjectId: string };
}

const completedByPerson = ['mapAccounts', 'mapServices', 'finish', 'updateAccountMapping'];

/**
 * Declares a step of connect or of the migration complete. A step that is finished already stays as it is.
 *
 * @throws Refusal when there is no such step, a person cannot complete it, another step comes first, or nothing is
 *   mapped yet
 */
export const completeStep: Command<{ integration: IntegrationRow; step: string }, { process: Wakeable }> = async (
  tx,
  actor,
  { integration, step },
) => {
  const processRef = step === 'updateAccountMapping' ? migrationProcess(integration) : connectProcess(integration);
  const changed = { process: processRef, toWake: [processRef] };
  const steps = await listSteps(tx, processRef);
  const found = steps.find((candidate) => candidate.step === step);
  if (!found) throw new Refusal('unknown', 'not-found', 'There is no such step.');
  if (isFinished(found.state)) return changed;
  const conflict = (code: string, words: string) => new Refusal('conflict', code, words);
  if (!completedByPerson.includes(step))
    throw conflict(
      'not-yours-to-complete',
      `The step "${titleOfStep(step)}" completes by itself, or through another request.`,
    );
  const before = steps.slice(0, steps.indexOf(found)).find((candidate) => !isFinished(candidate.state));
  if (before)
    throw conflict('out-of-order', `The step "${titleOfStep(before.step)}" comes first; it is ${before.state}.`);
  const mapped = await countMappings(tx, integration.id);
  if (step !== 'mapServices' && mapped.accounts === 0)
    throw conflict('nothing-mapped', 'Map at least one account first.');
  const needsServices = step === 'mapServices' || (step === 'finish' && integration.modules.includes('billing'));
  if (needsServices && mapped.services === 0) throw conflict('nothing-mapped', 'Map at least one service first.');
  const owner = await ownerOf(tx, processRef);
  if (owner && (await completeByFact(tx, { ...processRef, round: owner.round, step })))
    await audit(tx, actor, {
      action: `step.${step}`,
      subjectKind: 'integration',
      subjectId: integration.id,
      after: mapped,
    });
  return changed;
};

/** The connections that an integration's steps call. */
export const connectionsOf = (row: Pick<IntegrationRow, 'id' | 'psaConnectionId'>) => ({
  vendor: row.id,
  psa: row.psaConnectionId,
});

/**
 * Retries a step that is blocked, or that waits for a pause of its connection. The step stays blocked until it is
 * tried, which happens at most once in some seconds, however often it is asked for.
 *
 * @param input.connections ids of the connections that the step may call; ends the pause of the connection that it
 *   calls
 * @throws Refusal when there is no such step, or the step is at work, or over
 */
export const retryStep: Command<StepInput & { connections: { psa: string; vendor?: string } }> = async (
  tx,
  actor,
  { process: processRef, step, subject, connections },
) => {
  const steps = await listSteps(tx, processRef);
  const found = steps.find((row) => (step === undefined ? isStuck(row) : row.step === step));
  if (!found && step !== undefined) throw new Refusal('unknown', 'not-found', 'There is no such step.');
  if (!found || !isStuck(found))
    throw new Refusal(
      'conflict',
      'not-blocked',
      `${found ? `The step "${titleOfStep(found.step)}" is ${found.state}` : 'No step is blocked'}; only a blocked one is tried again.`,
    );
  await commitFact(tx, processRef);
  await audit(tx, actor, { action: `retry.${found.step}`, ...subject });
  const who = whoIn(found.step);
  const changed = { toWake: [processRef] };
  if (who !== 'vendor' && who !== 'psa') return changed;
  const id = connections[who];
  if (id !== undefined) await endPause(tx, actor, { of: who, id });
  return changed;
};

const isStuck = (row: { state: StepState; pausing: boolean }) => row.state === 'blocked' || row.pausing;

/** The codes with which a step is blocked whose lists did not arrive whole. */
const incompleteCodes = new Set(['incomplete', 'contradictory']);
/** The steps that can work with a part of a list. */
const canAccept = new Set([
  'verifyCredentials',
  'pullVendor',
  'checkComplete',
  'pullCustomer',
  'pullPsa',
  'checkPermissions',
]);

/**
 * Lets the blocked step go on with incomplete lists: only in the round under way, and only to raise and add, never to
 * lower or remove.
 *
 * @throws Refusal `not-found` when there is no such step, `nothing-incomplete` when no step is blocked because of a
 *   list, or a person has accepted the list already
 */
export const acceptIncomplete: Command<StepInput> = async (tx, actor, { process: processRef, step, subject }) => {
  const steps = await listSteps(tx, processRef);
  const found = steps.find((row) => (step === undefined ? row.state === 'blocked' : row.step === step));
  if (!found && step !== undefined) throw new Refusal('unknown', 'not-found', 'There is no such step.');
  const owner = await ownerOf(tx, processRef);
  const nothing = (words: string) => new Refusal('conflict', 'nothing-incomplete', words);
  if (!owner || !found?.problem || !incompleteCodes.has(found.problem.code) || !canAccept.has(found.step))
    throw nothing('No step is blocked because a list did not arrive whole, so there is nothing to accept.');
  if (!(await acceptStep(tx, { ...processRef, round: owner.round, step: found.step }, actor.name)))
    throw nothing('The incomplete list was accepted already; it is being read.');
  await commitFact(tx, processRef);
  const after = { process: processRef.kind, round: owner.round, step: found.step, what: found.problem.what };
  await audit(tx, actor, { action: 'incomplete.accept', ...subject, after });
  return { toWake: [processRef] };
};
