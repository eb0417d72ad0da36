import type { WorldCustomer } from '../../world.ts';
import type { GradientMsp } from '../gradientMsp.ts';
import type { Sessions } from '../sessions.ts';

/** What the pages show and change. */
export interface Site {
  customers: () => readonly WorldCustomer[];
  gradient: GradientMsp;
  sessions: Sessions;
  /** With one domain, and CloudFilter for its users. */
  addCustomer: (name: string, domain: string, users: number) => WorldCustomer;
}
