/** A vendor account as the API shows it, and its parts that several resources show. */
import { z } from '@hono/zod-openapi';
import { accountVersion } from '../../commands/accountMapping.ts';
import type { Queryable } from '../../db/client.ts';
import { findAccountMapping, findVendorAccount } from '../../db/queries/integration.ts';
import { exampleVersion, idParam, isoDateOrNull, versionSchema } from '../define.ts';
import { notFound } from '../problem.ts';

export const accountParam = idParam.extend({ accountId: z.string().min(1).max(200).openapi({ example: '1001' }) });
export const suggestionSchema = z
  .object({ id: z.string(), name: z.string(), score: z.number(), reason: z.string() })
  .openapi('Suggestion');

export const accountSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    linked: z.boolean(),
    excluded: z.boolean(),
    missingSince: isoDateOrNull,
    /** For a missing customer: the customers that now count its domains. */
    movedTo: z.array(z.string()),
    psaAccountId: z.string().nullable(),
    /** `vendor`: chosen in the vendor's console. */
    how: z.enum(['exact', 'person', 'vendor']).nullable(),
    version: versionSchema,
  })
  .openapi('VendorAccount');

export const exampleAccount = {
  id: '1001',
  name: 'Acme Dental',
  linked: true,
  excluded: false,
  missingSince: null,
  movedTo: [],
  psaAccountId: '250',
  how: 'person' as const,
  version: exampleVersion,
};

/** @throws ApiProblem when the integration has no such vendor account */
export async function accountView(db: Queryable, integrationId: string, vendorAccountId: string) {
  const account = await findVendorAccount(db, integrationId, vendorAccountId);
  if (!account) throw notFound('vendor account');
  const mapping = await findAccountMapping(db, integrationId, vendorAccountId);
  const view = { ...account, psaAccountId: mapping?.psaAccountId ?? null, how: mapping?.how ?? null };
  return { ...view, version: accountVersion(view) };
}
