/** The API members that the simulated ConnectWise knows, with the rights that their roles lack. */
export const company = 'acme';
export const clientId = '6f1a2b3c-0000-4000-8000-00000000c1e4';

export type Module = 'company' | 'catalog' | 'agreements' | 'tickets' | 'tableSetup' | 'system';
export type Level = 'inquire' | 'add' | 'edit' | 'delete';

export interface Member {
  publicKey: string;
  privateKey: string;
  /** The rights that the role lacks. */
  lacks: `${Module}.${Level}`[];
  /** Fields of tickets and notes that the role does not show, though conditions on them match. */
  hides?: string[];
}

export const members: Record<string, Member> = {
  full: { publicKey: 'simPublicFull', privateKey: 'simPrivateFull', lacks: [] },
  readOnly: {
    publicKey: 'simPublicRead',
    privateKey: 'simPrivateRead',
    lacks: ['agreements.edit', 'agreements.add', 'agreements.delete', 'tableSetup.inquire', 'system.inquire'],
  },
  noCatalog: { publicKey: 'simPublicNoCat', privateKey: 'simPrivateNoCat', lacks: ['catalog.inquire'] },
  /** Has the rights for billing, and none that alerts need. */
  billingOnly: {
    publicKey: 'simPublicBilling',
    privateKey: 'simPrivateBilling',
    lacks: ['tickets.inquire', 'tickets.add', 'tickets.edit', 'tableSetup.inquire', 'system.inquire'],
  },
  noTicketAdd: { publicKey: 'simPublicNoTicketAdd', privateKey: 'simPrivateNoTicketAdd', lacks: ['tickets.add'] },
  noReference: { publicKey: 'simPublicNoRef', privateKey: 'simPrivateNoRef', lacks: [], hides: ['externalXRef'] },
  noNoteText: { publicKey: 'simPublicNoText', privateKey: 'simPrivateNoText', lacks: [], hides: ['text'] },
  noTableSetup: { publicKey: 'simPublicNoTable', privateKey: 'simPrivateNoTable', lacks: ['tableSetup.inquire'] },
  noAgreements: { publicKey: 'simPublicNoAgr', privateKey: 'simPrivateNoAgr', lacks: ['agreements.inquire'] },
};
