/** What the console keeps of *Gradient MSP*, and what it shows while something is at work. */

/** A customer of the MSP as the platform knows it from the PSA. */
export interface Client {
  id: string;
  name: string;
}

export interface CountReport {
  posted: number;
  /** Nobody has mapped the customer or the service there yet: normal (gradient.md §3). */
  unmapped: number;
  failed: number;
}

/** What is kept of one integration of the platform. Values are replaced whole, so that the journal can repeat it. */
export interface Connected {
  /** The platform's id of it; '' before a key was enabled. */
  integrationId: string;
  /** The MSP as the platform names it. */
  organization: string;
  apiKey: string;
  /** *Migrate to Alerts* was pressed (assumed: what it sends; see docs/vendor-api.md). */
  migrated: boolean;
  /** Customers were linked since. */
  linkedForAlerts: boolean;
  /** What the platform takes from here: `billing`, `alerts`. */
  modules: readonly string[];
  /** Service name → the platform's id of it. */
  services: Record<string, string>;
  linked: readonly number[];
  /** Customer → the client that was picked on its own Integrations page. */
  assigned: Record<string, Client>;
  /** `refusal`: what the platform said to the first count that failed. */
  lastUpdate: (CountReport & { at: string; refusal: string | null }) | null;
}

/** A change of it, as the journal has it. */
export interface KeptChange {
  integrationId: string;
  facts: Partial<Connected>;
}

/** Something that takes a while: how far it is, and what came of it. */
export interface Activity {
  done: number;
  total: number;
  endedAt: string | null;
  /** Set when it ended: what was done, or why it could not be. */
  outcome: { ok: boolean; words: string } | null;
}

export const nothing: Connected = {
  integrationId: '',
  organization: '',
  apiKey: '',
  migrated: false,
  linkedForAlerts: false,
  modules: [],
  services: {},
  linked: [],
  assigned: {},
  lastUpdate: null,
};

/** @param total how many there are to do */
export function begun(total: number): Activity {
  return { done: 0, total, endedAt: null, outcome: null };
}
