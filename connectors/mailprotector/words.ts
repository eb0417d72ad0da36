/** What a person must know of Mailprotector before and while it is connected (mailprotector.md §1, §6, §7; the guide). */
import type { VendorWords } from '../vendor.ts';

export const mailprotectorWords: VendorWords = {
  support: {
    by: 'Mailprotector',
    url: 'https://support.mailprotector.com',
    text: 'This is an external integration: Mailprotector supports it. For support with the integration, contact Mailprotector.',
  },
  eligibility: {
    question: 'Do you receive Mailprotector through Virtual Administrator?',
    refusal:
      'If you receive Mailprotector through Virtual Administrator, you cannot utilize the integration at this time.',
  },
  modules: {
    billing: {
      title: 'Billing',
      text: 'How much each customer uses is compared with what you bill, and you approve the differences.',
    },
    alerts: {
      title: 'Alerts',
      text: 'Alerts from Mailprotector become tickets in your PSA, on a board that you choose.',
    },
  },
  intakes: {
    push: {
      title: 'Mailprotector sends the counts when you click Update Counts',
      text: 'You paste a key into the Mailprotector Console. Nothing arrives until Update Counts is clicked there.',
      // A schedule of the push is not documented (mailprotector.md §6).
      everyMonth:
        'Yes: click Update Counts in the Mailprotector Console before you review a month. Mailprotector sends its counts when that is clicked, and nothing says that it also does so by itself. Until then every number stays as it was last sent; a sync alone brings no new ones.',
    },
    pull: {
      title: 'Countersign reads the counts',
      text: 'You give a Mailprotector API key. Countersign reads by itself, every night or when you choose.',
      everyMonth:
        'No: Countersign reads the counts by itself, when the schedule below says so and when somebody clicks Sync now. Update Counts in the Mailprotector Console is not needed.',
    },
  },
  portal: {
    name: 'Mailprotector Console',
    note: 'Mailprotector’s page speaks of Gradient MSP: that is the product for which Mailprotector made it, and Countersign takes its place. Where it says Gradient, Countersign is meant.',
    enable: [
      'Log in to the Mailprotector Console as an administrator of your reseller account.',
      'Select the Integrations tab in the top navigation, and scroll to Gradient MSP.',
      'Paste the key into Partner API Key, and click Enable.',
    ],
    link: [
      'Select all the accounts that you want to sync, and click Link Selected Customers.',
      'Disregard the list of service assignments on that page: you map services here.',
      'Return to this page.',
    ],
    updateCounts: 'Return to Mailprotector and click Update Counts.',
    migrate: 'Navigate to Integrations in the Mailprotector Console and click Migrate to Alerts.',
  },
};
