/**
 * The API keys that the simulated Mailprotector accepts: one for each role that the real one gives keys to (mailprotector.md
 * §1).
 */
export const keys = {
  reseller: 'sim-mp-reseller-500',
  otherReseller: 'sim-mp-reseller-501',
  customerRole: 'sim-mp-customer-role',
  provider: 'sim-mp-provider-65',
  virtualAdministrator: 'sim-mp-virtual-administrator',
};
