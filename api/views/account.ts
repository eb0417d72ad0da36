/** A vendor account as the API shows it, and its parts that several resources show. */
import { z } from '@hono/zod-openapi';
import { accountVersion } from '../../commands/accountMapping.ts';
import type { Queryable } from '../../db/client.ts';
import { findBoardAccount } from '../../db/queries/mappingBoard.ts';
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
    psaAccountName: z.string().nullable(),
    /** `vendor`: chosen in the vendor's console. */
    how: z.enum(['exact', 'person', 'vendor']).nullable(),
    excludedWhy: z.string().nullable().openapi({ description: 'The reason that was given for the exclusion' }),
    seats: z
      .number()
      .nullable()
      .openapi({ description: 'The sum of the counts of all its services; null = none is known yet' }),
    together: z
      .int()
      .openapi({ description: 'How many accounts of this integration are mapped to the same PSA account, itself too' }),
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
  psaAccountName: 'Acme Dental Group',
  how: 'person' as const,
  excludedWhy: null,
  seats: 34,
  together: 1,
  version: exampleVersion,
};
export const exampleOpenAccount = {
  ...exampleAccount,
  psaAccountId: null,
  psaAccountName: null,
  how: null,
  together: 0,
};

/** @throws ApiProblem when the integration has no such vendor account */
export async function accountView(db: Queryable, integrationId: string, vendorAccountId: string) {
  const account = await findBoardAccount(db, integrationId, vendorAccountId);
  if (!account) throw notFound('vendor account');
  return withVersion(account);
}

/** Adds the version of the decision about an account. */
export function withVersion<T extends Parameters<typeof accountVersion>[0]>(account: T) {
  return { ...account, version: accountVersion(account) };
}
