/** A vendor account and a service: what a usage count is of. */
export interface CountPair {
  vendorAccountId: string;
  serviceId: string;
}

/** A pair as one text. `stagedCountIdOf` (db/queries/staging.ts) writes it in SQL: without a space, as `JSON.stringify` does. */
export function keyOfPair({ vendorAccountId, serviceId }: CountPair): string {
  return JSON.stringify([vendorAccountId, serviceId]);
}

/** @param key of `keyOfPair` */
export function pairOfKey(key: string): CountPair {
  const [vendorAccountId, serviceId] = JSON.parse(key) as [string, string];
  return { vendorAccountId, serviceId };
}
