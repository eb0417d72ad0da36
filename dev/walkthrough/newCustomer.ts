/** Adds a customer in the simulated Mailprotector; for the walkthrough, the tests and the benches. */
import type { SimulatorAdmin } from './simulatorAdmin.ts';

export interface NewCustomer {
  id: number;
  name: string;
  /** The number of its users, who all have CloudFilter. */
  users: number;
  /** The name of its one domain; absent = a name made of its id. */
  domain?: string;
}

export async function addCustomer(mailprotector: SimulatorAdmin, customer: NewCustomer): Promise<void> {
  const { id, name, users, domain = `new-${id}.example` } = customer;
  const group = { id: id * 10 + 2, name: 'Default', services: ['CloudFilter Email Security'], users };
  await mailprotector.change({
    change: 'addCustomer',
    id,
    name,
    domains: [{ id: id * 10 + 1, name: domain, pending: false, aliases: [], groups: [group] }],
  });
}

export interface OnboardingView {
  integrationId: string;
  vendorAccountId: string;
  name: string;
  state: string;
  psaAccountId: string | null;
  how: string | null;
  reminders: number;
  escalatedAt: string | null;
  suggestions: { id: string; name: string }[];
  process: {
    waitsFor: string | null;
    steps: { step: string; state: string; problem: { code: string } | null }[];
  } | null;
}
