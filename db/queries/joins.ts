/**
 * Join conditions for tables whose key is a pair of ids:
 * `.leftJoin(accountMapping, isMappingOf(alert.integrationId, alert.vendorAccountId))`.
 */
import { and, eq, type Column } from 'drizzle-orm';
import { accountMapping, psaAccount, serviceMapping, vendorAccount } from '../schema/index.ts';

export const isMappingOf = (integrationId: Column, vendorAccountId: Column) =>
  and(eq(accountMapping.integrationId, integrationId), eq(accountMapping.vendorAccountId, vendorAccountId));
export const isServiceMapping = (integrationId: Column, serviceId: Column) =>
  and(eq(serviceMapping.integrationId, integrationId), eq(serviceMapping.serviceId, serviceId));
export const isVendorAccount = (integrationId: Column, id: Column) =>
  and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.id, id));
export const isPsaAccount = (psaConnectionId: Column, id: Column) =>
  and(eq(psaAccount.psaConnectionId, psaConnectionId), eq(psaAccount.id, id));
