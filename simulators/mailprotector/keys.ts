/** Keys the simulated Mailprotector knows: one per role, as the real one gives them out (mailprotector.md §1). */
export const keys = {
  reseller: 'sim-mp-reseller-500',
  otherReseller: 'sim-mp-reseller-501',
  customerRole: 'sim-mp-customer-role',
  provider: 'sim-mp-provider-65',
  virtualAdministrator: 'sim-mp-virtual-administrator',
};
