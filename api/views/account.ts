/** A vendor account as the API shows it, and its parts that several resources show. */
import { z } from '@hono/zod-openapi';
import { accountVersion } from '../../commands/accountMapping.ts';
import { psaOf } from '../../connectors/registry.ts';
import type { Queryable } from '../../db/client.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import {
  listLookalikes,
  readPsaMarks,
  type Lookalike,
  type PsaMarks,
  type VendorMarks,
} from '../../db/queries/lookalikes.ts';
import { findBoardAccount } from '../../db/queries/mappingBoard.ts';
import { groupBy } from '../../domain/groupBy.ts';
import { differenceOf, type Suggestion } from '../../domain/matching.ts';
import { exampleVersion, idParam, isoDateOrNull, versionSchema } from '../define.ts';
import { notFound } from '../problem.ts';

export const accountParam = idParam.extend({ accountId: z.string().min(1).max(200).openapi({ example: '1001' }) });

/** Of an account of which another one's name looks like its own. */
export const apartSchema = z.string().nullable().openapi({
  description:
    'What tells it from others whose names look like its own (without spaces, signs and capital letters), as a sentence; null = there are none',
  example: 'ID 250, code ACME, 3 additions',
});

export const suggestionSchema = z
  .object({ id: z.string(), name: z.string(), score: z.number(), reason: z.string(), apart: apartSchema })
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
    psaAccountApart: apartSchema,
    apart: apartSchema,
    near: z.array(suggestionSchema).openapi({
      description:
        'Of an account that is neither mapped nor excluded: PSA accounts whose names look like its own, with why they were not matched. Other similar names are among its suggestions',
    }),
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
  psaAccountApart: null,
  apart: null,
  near: [],
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
  near: [{ id: '250', name: 'Acme  Dental', score: 1, reason: 'the same but for spaces', apart: null }],
  how: null,
  together: 0,
};

type Integration = Pick<IntegrationRow, 'id' | 'organizationId' | 'psaConnectionId'>;
type BoardAccount = NonNullable<Awaited<ReturnType<typeof findBoardAccount>>>;

/** @throws ApiProblem when the integration has no such vendor account */
export async function accountView(db: Queryable, row: Integration, vendorAccountId: string) {
  const account = await findBoardAccount(db, row.id, vendorAccountId);
  if (!account) throw notFound('vendor account');
  return (await createAccountViewer(db, row, [account]))(account);
}

/** Reads what is shown of these accounts of an integration, with as many statements as one takes. @returns a function that shows one */
export async function createAccountViewer(db: Queryable, row: Integration, accounts: readonly BoardAccount[]) {
  const open = accounts.filter(({ psaAccountId, excluded }) => psaAccountId === null && !excluded);
  const lookalikes = await listLookalikes(
    db,
    row,
    open.map(({ id }) => id),
  );
  const nearBy = groupBy(lookalikes, ({ vendorAccountId }) => vendorAccountId);
  return <T extends BoardAccount>(account: T) => ({
    ...account,
    apart: vendorApart(account.marks),
    psaAccountApart: psaApart(account.psaMarks),
    near: (nearBy.get(account.id) ?? []).map((each) => nearOf(each)),
    version: accountVersion(account),
  });
}

function nearOf({ vendorName, id, name, marks, ambiguous, taken }: Lookalike) {
  const isSame = vendorName === name;
  const reason =
    isSame && ambiguous
      ? 'several have this name'
      : isSame && taken
        ? 'mapped to another already'
        : differenceOf(vendorName, name);
  return { id, name, score: 1, reason, apart: psaApart(marks) };
}

/**
 * Reads what tells suggested PSA accounts from others of their names.
 *
 * @returns a function that shows a suggestion for an account of a connection
 */
export async function createSuggestionViewer(
  db: Queryable,
  suggested: readonly { psaConnectionId: string; suggestions: readonly Suggestion[] }[],
) {
  const marksOf = await readPsaMarks(
    db,
    suggested.flatMap(({ psaConnectionId, suggestions }) => suggestions.map(({ id }) => ({ psaConnectionId, id }))),
  );
  return (psaConnectionId: string, suggestion: Suggestion) => ({
    ...suggestion,
    apart: psaApart(marksOf(psaConnectionId, suggestion.id)),
  });
}

export function psaApart(marks: PsaMarks | null): string | null {
  if (!marks) return null;
  const { line } = psaOf(marks.kind)?.words ?? { line: { one: 'line', many: 'lines' } };
  const lines = `${marks.lines === 0 ? 'no' : marks.lines} ${marks.lines === 1 ? line.one : line.many}`;
  return [`ID ${marks.id}`, ...(marks.code ? [`code ${marks.code}`] : []), lines].join(', ');
}

export function vendorApart(marks: VendorMarks | null): string | null {
  if (!marks) return null;
  return [`ID ${marks.id}`, ...marks.domains, ...(marks.more ? ['…'] : [])].join(', ');
}
