/** The key a vendor pushes with: made here, shown once, kept as a hash. */
import { randomBytes } from 'node:crypto';
import type { Transaction } from '../db/client.ts';
import { recordAudit } from '../db/queries/audit.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { completeByFact } from '../db/queries/process.ts';
import { insertIntegrationKey } from '../db/queries/push.ts';

/** 256 random bits. No colon: it follows one in `GRADIENT-TOKEN` (reference/gradient.md §1). */
export function newIntegrationKey(): string {
  return `csk_${randomBytes(32).toString('base64url')}`;
}

/** Stores a key, completes the step that waits for it, and says so in the audit. */
export async function issueKey(
  tx: Transaction,
  row: Pick<IntegrationRow, 'id' | 'organizationId'>,
  actor: string,
  key: { secret: string; overlapMs: number },
): Promise<string> {
  const id = await insertIntegrationKey(tx, row.id, key);
  await completeByFact(tx, { kind: 'connect', id: row.id, round: '1', step: 'issueKey' });
  await recordAudit(tx, row.organizationId, {
    actor,
    action: 'integration.key',
    subjectKind: 'integration',
    subjectId: row.id,
    after: { keyId: id, overlapMs: key.overlapMs },
  });
  return id;
}
