/** The customers with which every world begins: each tells one story of what goes wrong in real life. */
export type Story =
  | 'exact'
  | 'near'
  | 'missing'
  | 'sameName'
  | 'twoAgreements'
  | 'duplicateLines'
  | 'successor'
  | 'prepaid'
  | 'included'
  | 'downToZero'
  | 'bundle'
  | 'pending'
  | 'alias'
  | 'unicode'
  | 'prospect'
  | 'inactive'
  | 'cancelledAgreement'
  | 'neverBilled'
  | 'noCharge'
  | 'newRevenue'
  | 'unrelated';

export interface SpecialCustomer {
  name: string;
  story: Story;
  /** Names of its companies in the PSA; absent = one company of the same name, empty = none. */
  psaNames?: string[];
  services?: string[];
  users?: number;
}

const filter = 'CloudFilter Email Security';

export function specialCustomers(): SpecialCustomer[] {
  return [
    { name: 'Plain & Simple Accounting', story: 'exact', services: [filter], users: 12 },
    { name: 'Northwind Dental', story: 'near', psaNames: ['Northwind Dental, LLC'] },
    { name: 'Fabrikam Foods', story: 'near', psaNames: ['Fabrikam  Foods'] },
    { name: 'Walk-in Only', story: 'missing', psaNames: [] },
    { name: 'Smith Law', story: 'sameName', psaNames: ['Smith Law'] },
    { name: 'Smith Law', story: 'sameName', psaNames: [] },
    { name: 'Twin Peaks Realty', story: 'sameName', psaNames: ['Twin Peaks Realty', 'Twin Peaks Realty'] },
    { name: 'Two Contracts Inc', story: 'twoAgreements', services: [filter], users: 20 },
    { name: 'Double Line Ltd', story: 'duplicateLines', services: [filter], users: 15 },
    { name: 'Changing Lines Co', story: 'successor', services: [filter], users: 18 },
    { name: 'Prepaid Partners', story: 'prepaid', services: [filter], users: 9 },
    { name: 'Included Five', story: 'included', services: [filter], users: 14 },
    { name: 'Gone Quiet LLC', story: 'downToZero', services: [filter], users: 0 },
    { name: 'Bundle Buyers', story: 'bundle', services: ['Bracket', filter, 'SafeSend Outbound'], users: 11 },
    { name: 'Pending Domain Group', story: 'pending', services: [filter], users: 8 },
    { name: 'Many Aliases', story: 'alias', services: [filter], users: 13 },
    { name: 'Zoë\u2019s "Fine" Foods', story: 'unicode', services: [filter], users: 7 },
    { name: 'Łódź Advisors \\ Partners', story: 'unicode', services: [filter], users: 6 },
    { name: 'Someday Prospect', story: 'prospect', services: [filter], users: 5 },
    { name: 'Closed Shop', story: 'inactive', services: [filter], users: 4 },
    { name: 'Cancelled Contract', story: 'cancelledAgreement', services: [filter], users: 10 },
    { name: 'Never Invoiced', story: 'neverBilled', services: [filter], users: 10 },
    { name: 'Friends of the House', story: 'noCharge', services: [filter], users: 3 },
    { name: 'Unbilled Usage', story: 'newRevenue', services: [filter], users: 16 },
  ];
}
