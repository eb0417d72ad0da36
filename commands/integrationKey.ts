/** The key with which a vendor pushes: made here, shown once, kept as a hash. */
import { randomBytes } from 'node:crypto';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { completeByFact } from '../db/queries/process.ts';
import { insertIntegrationKey, revokeIntegrationKeys } from '../db/queries/push.ts';
import { connectProcess } from '../domain/process/ids.ts';
import { audit, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

type Owned = Pick<IntegrationRow, 'id' | 'organizationId'>;

/**
 * Makes a key and completes the step that waits for one.
 *
 * @param input.overlapMs how long the earlier keys still work, in milliseconds; 0 = not at all
 * @returns the key as it is shown only this once: 256 random bits, without a colon, because the key follows a colon in
 *   `GRADIENT-TOKEN` (reference/gradient.md §1)
 */
export const issueKey: Command<{ integration: Owned; overlapMs: number }, { id: string; key: string }> = async (
  tx,
  actor,
  { integration, overlapMs },
) => {
  const key = `csk_${randomBytes(32).toString('base64url')}`;
  const id = await insertIntegrationKey(tx, integration.id, { secret: key, overlapMs });
  const processRef = connectProcess(integration);
  const awaited = await completeByFact(tx, { ...processRef, round: '1', step: 'issueKey' });
  const subject = { subjectKind: 'integration', subjectId: integration.id };
  await audit(tx, actor, { action: 'integration.key', ...subject, after: { keyId: id, overlapMs } });
  return { id, key, toWake: awaited ? [processRef] : [] };
};

/** @throws Refusal when the integration has no such key in force */
export const revokeKey: Command<{ integration: Owned; keyId: string }> = async (tx, actor, { integration, keyId }) => {
  if ((await revokeIntegrationKeys(tx, integration.id, keyId)) === 0)
    throw new Refusal('unknown', 'not-found', 'There is no such key in force.');
  const subject = { subjectKind: 'integration', subjectId: integration.id };
  await audit(tx, actor, { action: 'integration.keyRevoked', ...subject, after: { keyId } });
  return { toWake: [] };
};
