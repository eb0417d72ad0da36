/** The rights of a program in Deltadesk, which says itself what the program lacks. */
import { z } from 'zod';
import { ConnectorError } from '../../../../connectors/errors.ts';
import type { AlertCapability, Capability, PermissionReport } from '../../../../connectors/psa.ts';
import type { PsaRight } from '../../../../connectors/psaEntry.ts';
import type { CallOptions } from '../../../../connectors/vendor.ts';
import { askedForBilling, neededForAlerts, neededForBilling } from '../../../../domain/permissions.ts';
import type { DifferencesClient } from './client.ts';

export const rightsAt = 'Office > Programs > the program > Rights';

/** Stages are seen by whoever sees queues, urgencies by whoever sees cases. */
export const rights: Record<Capability | AlertCapability, PsaRight> = {
  'accounts.read': { purpose: 'Read clients, to map customers to them', setting: 'Clients: See', blocks: ['billing'] },
  'products.read': { purpose: 'Read items, to map services to them', setting: 'Items: See', blocks: ['billing'] },
  'agreements.read': { purpose: 'Read contracts', setting: 'Contracts: See', blocks: ['billing'] },
  'lines.read': { purpose: 'Read positions', setting: 'Positions: See', blocks: ['billing'] },
  'lines.write': { purpose: 'Post changes to positions', setting: 'Positions: Change', blocks: [] },
  'boards.read': { purpose: 'Read queues', setting: 'Queues: See', blocks: ['alerts'] },
  'boards.details': { purpose: 'Read stages', setting: 'Queues: See', blocks: ['alerts'] },
  'priorities.read': { purpose: 'Read urgencies', setting: 'Cases: See', blocks: ['alerts'] },
  'tickets.read': { purpose: 'Find the case of an alert again', setting: 'Cases: See', blocks: ['alerts'] },
  'tickets.create': { purpose: 'Open cases', setting: 'Cases: Change', blocks: ['alerts'] },
  'tickets.edit': { purpose: 'Add entries to cases', setting: 'Cases: Change', blocks: ['alerts'] },
};

type Right = keyof typeof rights;

export const grantOf = (right: Right) => `In ${rightsAt} tick ${rights[right].setting}.`;

const meSchema = z.looseObject({ version: z.string(), lacks: z.array(z.string()) });

export const readRights = (client: DifferencesClient, call?: CallOptions) =>
  reportOf<Capability>(client, call, askedForBilling, neededForBilling);

export const readAlertRights = (client: DifferencesClient, call?: CallOptions) =>
  reportOf<AlertCapability>(client, call, neededForAlerts, neededForAlerts);

async function reportOf<C extends Right>(
  client: DifferencesClient,
  call: CallOptions | undefined,
  asked: readonly C[],
  needed: readonly C[],
): Promise<PermissionReport<C>> {
  const of = (finding: (right: C) => PermissionReport<C>['capabilities'][C]) =>
    Object.fromEntries(asked.map((right) => [right, finding(right)])) as PermissionReport<C>['capabilities'];
  try {
    const { data } = await client.ask('GET', { route: '/me', path: '/me', schema: meSchema, signal: call?.signal });
    const capabilities = of((right) => {
      // "Clients: See" is `clients.see` there.
      const name = rights[right].setting.toLowerCase().replace(': ', '.');
      return data.lacks.includes(name)
        ? { state: 'denied', evidence: `Deltadesk says that the program lacks ${name}. ${grantOf(right)}` }
        : { state: 'granted', evidence: `Deltadesk says that the program has ${name}.` };
    });
    const ok = needed.every((right) => capabilities[right].state === 'granted');
    return { ok, auth: 'ok', serverVersion: data.version, capabilities };
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.kind !== 'permanent') throw error;
    const auth =
      error.code === 'bad_host' ? 'bad_host' : error.code === 'bad_credentials' ? 'bad_credentials' : undefined;
    if (!auth) throw error;
    return { ok: false, auth, capabilities: of(() => ({ state: 'unknown', evidence: error.detail })) };
  }
}
