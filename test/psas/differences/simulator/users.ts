/** Who may sign in at the simulated Deltadesk, and what they lack. */
export type Area = 'clients' | 'items' | 'contracts' | 'positions' | 'queues' | 'cases';
export type Right = 'see' | 'change';

export interface User {
  key: string;
  secret: string;
  lacks: readonly `${Area}.${Right}`[];
}

export const users: Readonly<Record<string, User>> = {
  full: { key: 'sim-delta-full', secret: 'sim-delta-secret-full', lacks: [] },
  readOnly: { key: 'sim-delta-read', secret: 'sim-delta-secret-read', lacks: ['positions.change', 'cases.change'] },
  noItems: { key: 'sim-delta-no-items', secret: 'sim-delta-secret-no-items', lacks: ['items.see'] },
};
