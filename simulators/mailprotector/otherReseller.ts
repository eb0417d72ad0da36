import type { WorldCustomer } from '../world.ts';

/** Another MSP of the same provider. Its rows exist, and the keys of the simulated MSP must not see them. */
export const otherReseller = { id: 501, name: 'Other MSP' };

export const otherCustomers: WorldCustomer[] = [
  {
    id: 3_901,
    name: 'Somebody Else\u2019s Customer',
    story: 'unrelated',
    domains: [
      {
        id: 8_901_000,
        name: 'somebody-else.example',
        pending: false,
        aliases: [],
        groups: [{ id: 6_901_000, name: 'Default', services: ['CloudFilter Email Security'], users: 5 }],
      },
    ],
  },
];
