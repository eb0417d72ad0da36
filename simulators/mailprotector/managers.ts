/** The managers who may log in to the console: those with the Admin role at the reseller (mailprotector.md §4.7, §6). */
import type { Ref } from './rows.ts';

/** The password of every manager of the simulated console. */
export const consolePassword = 'sim-console-password';

export interface Manager extends Ref {
  username: string;
  email: string;
  roles: { entity_id: number; entity_type: string; entity_name: string }[];
}

/** @param reseller the reseller of the managers */
export function firstManagers(reseller: Ref): Manager[] {
  const roles = [{ entity_id: reseller.id, entity_type: 'Reseller', entity_name: reseller.name }];
  return [
    { id: 6_001, name: 'Alex Admin', username: 'alex', email: 'admin@msp.example', roles },
    { id: 6_002, name: 'Billie Billing', username: 'billie', email: 'billing@msp.example', roles },
    { id: 6_003, name: 'Sam Support', username: 'sam', email: 'support@msp.example', roles },
  ];
}
