import type { WorldCustomer } from '../../world.ts';
import type { GradientMsp } from '../gradientMsp.ts';
import type { Sessions } from '../sessions.ts';

/** The data that the pages show, and the functions that change them. */
export interface Site {
  customers: () => readonly WorldCustomer[];
  gradient: GradientMsp;
  sessions: Sessions;
  /** Adds a customer with one domain, whose users have CloudFilter. */
  addCustomer: (name: string, domain: string, users: number) => WorldCustomer;
}
