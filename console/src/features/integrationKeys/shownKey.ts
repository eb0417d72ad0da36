/**
 * A key that was just made, from the answer that held it to the page that shows it once. It is in no query, no address and
 * no storage, so nothing of it is left when that page is.
 */
let shown: { integrationId: string; key: string } | undefined;

export function holdKey(integrationId: string, key: string | undefined): void {
  shown = key === undefined ? undefined : { integrationId, key };
}

export function heldKey(integrationId: string): string | undefined {
  return shown?.integrationId === integrationId ? shown.key : undefined;
}

export function forgetKey(): void {
  shown = undefined;
}
