/** Mailprotector's services as Gradient names them (mailprotector.md §5.4), with Mailprotector's display names. */

export interface Sku {
  sku: string;
  name: string;
  description: string;
  /** Other display names and codes that Mailprotector's API uses; case does not matter. */
  alsoCalled: readonly string[];
}

export const skus: readonly Sku[] = [
  {
    sku: 'CloudFilter',
    name: 'CloudFilter',
    description: 'Inbound e-mail filtering',
    alsoCalled: ['CloudFilter Email Security'],
  },
  { sku: 'CloudMail', name: 'CloudMail', description: 'Hosted e-mail', alsoCalled: ['CloudMail Hosted Email'] },
  { sku: 'SafeSend', name: 'SafeSend', description: 'Outbound e-mail filtering', alsoCalled: ['SafeSend Outbound'] },
  {
    sku: 'XtraMail',
    name: 'XtraMail',
    description: 'E-mail continuity, 30 days',
    alsoCalled: ['XtraMail Email Continuity', 'Continuity'],
  },
  {
    sku: 'SecureStore',
    name: 'SecureStore',
    description: 'E-mail archiving',
    alsoCalled: ['SecureStore Email Archiving'],
  },
  {
    sku: 'ContinuityBundle',
    name: 'Continuity Bundle',
    description: 'Bundle with continuity',
    alsoCalled: ['Continuity Bundle'],
  },
  {
    sku: 'BracketBundle',
    name: 'Bracket Bundle',
    description: 'Bracket with CloudFilter and SafeSend',
    alsoCalled: ['Bracket Bundle'],
  },
  { sku: 'Bracket', name: 'Bracket', description: 'E-mail encryption', alsoCalled: ['Bracket Email Encryption'] },
];

const byName = new Map(
  skus.flatMap(({ sku, alsoCalled }) => [sku, ...alsoCalled].map((name) => [name.toLowerCase(), sku])),
);

/** @returns the SKU of a display name or code; an unknown name is returned unchanged, so that its counts are not lost */
export function skuOf(displayName: string): string {
  return byName.get(displayName.trim().toLowerCase()) ?? displayName;
}
