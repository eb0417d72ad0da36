/** A PSA connection as the API shows it, with its rights and its process. */
import { z } from '@hono/zod-openapi';
import { fieldsOf } from '../../connectors/fields.ts';
import { examplePsa, psaOf } from '../../connectors/registry.ts';
import { listStepsOfMany } from '../../db/queries/processView.ts';
import { readProvedRights, type ProvedRights } from '../../db/queries/provedRights.ts';
import type { PsaConnectionRow } from '../../db/queries/psaConnection.ts';
import { summarizeUnread } from '../../db/queries/psaUnread.ts';
import { listHeldRefreshes, type RefreshRow } from '../../db/queries/refreshGuard.ts';
import { readPauses } from '../../db/queries/rateLimit.ts';
import { defaultLossLimit, describeLoss } from '../../domain/refreshGuard.ts';
import { ticketFieldsOf, type TicketField } from '../../domain/ticketFields.ts';
import { refreshProcess } from '../../domain/process/ids.ts';
import type { ApiDependencies } from '../context.ts';
import { exampleIds, isoDate, isoDateOrNull } from '../define.ts';
import {
  createIncompleteViewer,
  exampleProcess,
  incompleteSchema,
  pauseSchema,
  processSchema,
  processView,
} from './process.ts';

const psaSettingsSchema = z.record(z.string(), z.union([z.string(), z.number()])).openapi({
  description: 'The settings that `GET /v1/psas` lists for its PSA, with the default of each that was not given',
});

const capsSchema = z.union([
  z
    .object({
      decimals: z.int().openapi({ description: '0 = the PSA holds whole numbers only' }),
      takesEffect: z.enum(['at_once', 'dated']).openapi({ description: 'dated = from the effective date on' }),
      writes: z.enum(['absolute', 'difference']),
      proration: z.enum(['always', 'perAgreement', 'perLine', 'none']),
      zero: z.enum(['taken', 'may_be_refused']),
    })
    .openapi('PsaCaps'),
  z.null(),
]);

/** The rights as they were last checked; null = not checked yet. A union for the reason given at `approvalSchema`. */
const rightsSchema = z.union([
  z
    .object({
      /** Whether the credentials work. */
      auth: z.enum(['ok', 'bad_credentials', 'bad_host', 'unreachable']),
      serverVersion: z.string().optional(),
      /** By the id of the right, which `GET /v1/psas` explains; `evidence` says what was asked and what came back, or what proved it. */
      capabilities: z.record(
        z.string(),
        z.object({ state: z.enum(['granted', 'denied', 'unknown']), evidence: z.string() }),
      ),
    })
    .openapi('CheckedRights'),
  z.null(),
]);

const rowCounts = z.object({ accounts: z.int(), lines: z.int() });

export const psaConnectionSchema = z
  .object({
    id: z.uuid(),
    kind: z.string(),
    name: z.string(),
    settings: psaSettingsSchema,
    /** What the PSA can do with the quantity of a line; null = it was not read yet. */
    caps: capsSchema,
    writesEnabled: z.boolean(),
    permissions: rightsSchema,
    permissionsAt: isoDateOrNull,
    /** The rights that alerts need, as *Check Permissions* found them; null before. */
    alertPermissions: rightsSchema,
    alertPermissionsAt: isoDateOrNull,
    refreshedAt: isoDateOrNull,
    /**
     * The rows that the last refresh could not read, the oldest first. Their last known values are kept, and the cards of
     * their accounts say so and are not approvable. For `lines` the id is that of the agreement. `first` has at most 20 of
     * `total`.
     */
    unread: z.object({
      total: z.int(),
      first: z.array(
        z.object({
          entity: z.enum(['psa_account', 'psa_product', 'psa_board', 'agreement', 'lines']),
          id: z.string(),
          name: z.string().nullable(),
          accountId: z.string().nullable(),
          why: z.string(),
          since: isoDate,
        }),
      ),
    }),
    pause: pauseSchema,
    /** Set when the newest refresh read incomplete lists that a person accepted: then it removed nothing. */
    incomplete: incompleteSchema,
    /** The newest reading, if it is held because the PSA gave far fewer rows than before: a person releases or discards it. */
    heldRefresh: z.union([
      z.object({
        id: z.uuid(),
        at: isoDate,
        words: z.string(),
        before: rowCounts,
        after: rowCounts,
      }),
      z.null(),
    ]),
    process: processSchema,
  })
  .openapi('PsaConnection');

export const examplePsaConnection = {
  id: exampleIds.psaConnection,
  kind: examplePsa.kind,
  name: examplePsa.connectionName,
  settings: { ...examplePsa.settings, zero: 'set', ...defaultLossLimit },
  caps: {
    decimals: 2,
    takesEffect: 'at_once' as const,
    writes: 'absolute' as const,
    proration: 'none' as const,
    zero: 'taken' as const,
  },
  writesEnabled: false,
  permissions: {
    auth: 'ok' as const,
    serverVersion: examplePsa.serverVersion,
    capabilities: {
      'lines.read': {
        state: 'granted' as const,
        evidence: examplePsa.evidence,
      },
    },
  },
  permissionsAt: '2026-11-23T09:00:00.000Z',
  alertPermissions: null,
  alertPermissionsAt: null,
  refreshedAt: null,
  unread: {
    total: 1,
    first: [
      {
        entity: 'lines' as const,
        id: '4711',
        name: 'Managed Services',
        accountId: '19',
        why: examplePsa.unread,
        since: '2026-11-02T06:00:00.000Z',
      },
    ],
  },
  pause: null,
  incomplete: null,
  heldRefresh: null,
  process: exampleProcess('refreshPsa', exampleIds.psaConnection, 'checkPsaPermissions', 'pullPsa'),
};

/** The settings with their defaults; as they are stored where this version of Countersign knows no such PSA. */
function settingsOf({ kind, settings }: PsaConnectionRow) {
  const known = psaOf(kind)?.settings.safeParse(settings);
  return psaSettingsSchema.parse(known?.success ? known.data : settings);
}

/** The settings of a connection that are fields of its tickets. */
export function ticketFieldsOfConnection(row: PsaConnectionRow): TicketField[] {
  const psa = psaOf(row.kind);
  return psa ? ticketFieldsOf(fieldsOf(psa.settings), settingsOf(row), row.ticketOptions) : [];
}

/** Reads what a step stored. @throws ZodError for rights that no version of Countersign writes */
const rightsOf = (stored: unknown) => rightsSchema.parse(stored);

/** What proves a right that no read shows. */
const proofs: Record<string, { by: keyof ProvedRights; what: string }> = {
  'lines.write': { by: 'lineWrite', what: 'an approved write' },
  'tickets.create': { by: 'ticket', what: 'a ticket' },
};

/** A right that the PSA does not show is granted once the PSA took what needs it. */
function withProof(rights: z.infer<typeof rightsSchema>, proved: ProvedRights | undefined) {
  if (rights === null || proved === undefined) return rights;
  const capabilities = Object.entries(rights.capabilities).map(([id, finding]) => {
    const proof = proofs[id];
    const at = proof && finding.state === 'unknown' ? proved[proof.by] : null;
    if (!proof || !at) return [id, finding];
    const evidence = `The PSA took ${proof.what} on ${at.toISOString().slice(0, 10)}, so the right is there.`;
    return [id, { state: 'granted', evidence }];
  });
  return rightsSchema.parse({ ...rights, capabilities: Object.fromEntries(capabilities) });
}

/** Reads what is shown of these connections, with as many statements as one takes. @returns a function that shows one of them */
export async function createPsaConnectionViewer(deps: ApiDependencies, rows: readonly PsaConnectionRow[]) {
  const ids = rows.map(({ id }) => id);
  const stepsOf = await listStepsOfMany(deps.db, ['refreshPsa'], ids);
  const pauseOf = await readPauses(deps.db, 'psa', ids);
  const proved = await readProvedRights(deps.db, ids);
  const unreadOf = await summarizeUnread(deps.db, ids, 20);
  const named = await createIncompleteViewer(deps.db, rows);
  const held = await listHeldRefreshes(
    deps.db,
    rows.map(({ id }) => id),
  );
  return (row: PsaConnectionRow) => {
    const processRef = refreshProcess(row);
    return {
      ...named(row),
      permissions: withProof(rightsOf(row.permissions), proved.get(row.id)),
      alertPermissions: withProof(rightsOf(row.alertPermissions), proved.get(row.id)),
      settings: settingsOf(row),
      pause: pauseOf(row.id),
      unread: unreadOf(row.id),
      heldRefresh: heldOf(held, row.id),
      process: processView(deps, processRef, stepsOf(processRef)),
    };
  };
}

function heldOf(held: readonly RefreshRow[], psaConnectionId: string) {
  const refresh = held.find((row) => row.psaConnectionId === psaConnectionId);
  if (!refresh?.guard || !refresh.heldAt) return null;
  return { id: refresh.id, at: refresh.heldAt, words: describeLoss(refresh.guard), ...refresh.guard };
}
