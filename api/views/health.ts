/** The health of an integration as the API shows it. */
import { z } from '@hono/zod-openapi';
import { exampleIds, isoDate, isoDateOrNull } from '../define.ts';

export const healthSchema = z
  .object({
    integrationId: z.uuid(),
    vendor: z.string(),
    vendorName: z.string().nullable(),
    /** `failing`: something is stuck, or its data is older than its schedule allows; `attention`: a person has something to do. */
    state: z.enum(['healthy', 'attention', 'failing']),
    connected: z.boolean(),
    /** When the visible data was read from the vendor. */
    dataAsOf: isoDateOrNull,
    dataAgeSeconds: z.int().nullable(),
    stale: z.boolean(),
    psaAsOf: isoDateOrNull,
    psaAgeSeconds: z.int().nullable(),
    lastSync: z.object({ id: z.uuid(), state: z.string(), finishedAt: isoDateOrNull }).nullable(),
    nextSyncAt: isoDateOrNull,
    /** Processes that do not go on by themselves now, and whom they wait for. */
    waits: z.array(
      z.object({
        for: z.enum(['person', 'vendor', 'psa', 'countersign']),
        what: z.string(),
        code: z.string().optional(),
        workflowId: z.string(),
      }),
    ),
    /** Of those that wait alike only the first 20 are in `waits`: how many more there are. */
    unlisted: z.array(
      z.object({
        for: z.enum(['person', 'vendor', 'psa', 'countersign']),
        code: z.string().nullable(),
        count: z.int(),
        /** The address of the list that has all of them. */
        list: z.string().nullable(),
      }),
    ),
    heldRuns: z.int(),
    /** Readings of its PSA that lost too many rows and are held: none or one. */
    heldRefreshes: z.int(),
    /** Approved lines, of this PSA connection, of which it is not known whether they were written. */
    linesUncertain: z.int(),
    customersWaiting: z.int(),
    customersEscalated: z.int(),
    alertsParked: z.int(),
    alertsDead: z.int(),
    /** How many accounts and services had a post refused in the last 30 days and none accepted since. */
    refusedPosts: z.int(),
    credentials: z.array(
      z.object({
        of: z.enum(['vendor', 'psa']),
        givenAt: isoDate,
        expireOn: z.string().nullable(),
        ageDays: z.int(),
        warning: z.string().nullable(),
      }),
    ),
  })
  .openapi('Health');

export const exampleHealth = {
  integrationId: exampleIds.integration,
  vendor: 'mailprotector',
  vendorName: 'Example Managed Services',
  state: 'attention' as const,
  connected: true,
  dataAsOf: '2026-11-25T03:31:10.000Z',
  dataAgeSeconds: 19_800,
  stale: false,
  psaAsOf: '2026-11-25T03:31:10.000Z',
  psaAgeSeconds: 19_800,
  lastSync: { id: exampleIds.run, state: 'applied', finishedAt: '2026-11-25T03:32:02.000Z' },
  nextSyncAt: '2026-11-26T03:30:00.000Z',
  waits: [],
  unlisted: [],
  heldRuns: 0,
  heldRefreshes: 0,
  linesUncertain: 0,
  customersWaiting: 2,
  customersEscalated: 0,
  alertsParked: 0,
  alertsDead: 0,
  refusedPosts: 0,
  credentials: [
    {
      of: 'vendor' as const,
      givenAt: '2026-11-01T09:00:00.000Z',
      expireOn: '2026-12-20',
      ageDays: 24,
      warning: "The vendor's credentials end on 2026-12-20, in 25 days. Give new ones before; no mapping is lost.",
    },
  ],
};
