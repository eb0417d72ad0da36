import type { Integration } from './state.ts';

/** Where mappings are changed. */
export const mappingPages: Record<'accounts' | 'services' | 'migrate', string> = {
  accounts: '/integrations/$id/accounts',
  services: '/integrations/$id/services',
  migrate: '/integrations/$id/migrate',
};

/** The pages on which a person goes on, by the step that waits there. */
const pages: Record<string, { to: string; what: string }> = {
  mapAccounts: { to: mappingPages.accounts, what: 'Next is account mapping.' },
  mapServices: { to: mappingPages.services, what: 'The accounts are mapped. Next is service mapping.' },
  finish: { to: '/integrations/$id/review', what: 'Next is to review it and press Finish.' },
  firstSync: { to: '/reconcile', what: 'The first sync is under way: Sync Status shows its steps.' },
};

/**
 * Where an integration that is being connected goes on.
 *
 * @returns `to` null = nowhere yet; `what` says why
 */
export function nextOf({ process }: Integration): { to: string | null; what: string } {
  const open = process.steps.find(({ state }) => state !== 'done' && state !== 'skipped');
  if (!open) return { to: '/reconcile', what: 'Everything is set up.' };
  // What is wrong, and what to do, stands with the step.
  const why = open.problem ? `${open.title}: blocked.` : `${process.waitsFor ?? ''}.`;
  return pages[open.step] ?? { to: null, what: `Account mapping is next, when the steps before it are done. ${why}` };
}
