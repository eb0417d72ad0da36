/** The data of the simulators, read from their own state and not from our rows. */
import type { WorldLine, WorldCompany, WorldCustomer } from '../../simulators/world.ts';
import type { System } from './system.ts';

export async function customersOf(system: System): Promise<WorldCustomer[]> {
  return (await system.mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
}

export async function companiesOf(system: System): Promise<WorldCompany[]> {
  return (await system.connectwise.state<{ companies: WorldCompany[] }>()).companies;
}

export interface BilledLine extends WorldLine {
  agreementId: number;
  companyId: number;
}

/** Every line of every agreement. */
export async function billedLinesOf(system: System): Promise<BilledLine[]> {
  return (await companiesOf(system)).flatMap((company) =>
    company.agreements.flatMap((agreement) =>
      agreement.lines.map((line) => ({ ...line, agreementId: agreement.id, companyId: company.id })),
    ),
  );
}
