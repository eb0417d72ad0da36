/** What the console remembers about *Gradient MSP*, and how it shows the progress of an action that takes a while. */

/** A customer of the MSP, as the platform knows it from the PSA. */
export interface Client {
  id: string;
  name: string;
}

export interface CountReport {
  posted: number;
  /**
   * How many counts were for a customer or service that nobody has mapped in the platform yet, which is normal (gradient.md
   * §3).
   */
  unmapped: number;
  failed: number;
}

/**
 * What the console remembers about one integration of the platform. A change replaces a whole value, so that the journal can
 * repeat it.
 */
export interface Connected {
  /** The platform's id of the integration; '' = no key was enabled yet. */
  integrationId: string;
  /** The MSP's name in the platform. */
  organization: string;
  apiKey: string;
  /** Whether *Migrate to Alerts* was pressed. What the button sends is assumed; see docs/vendor-api.md. */
  migrated: boolean;
  /** Whether customers were linked after *Migrate to Alerts*. */
  linkedForAlerts: boolean;
  /** What the platform accepts from this vendor: `billing`, `alerts`. */
  modules: readonly string[];
  /** The platform's id of each service, by the service's name. */
  services: Record<string, string>;
  linked: readonly number[];
  /** By customer: the client that was picked on the customer's Integrations page. */
  assigned: Record<string, Client>;
  /** The last *Update Counts*; `refusal` is the platform's answer to the first count that failed. */
  lastUpdate: (CountReport & { at: string; refusal: string | null }) | null;
}

/** A change of `Connected`, as the journal keeps it. */
export interface KeptChange {
  integrationId: string;
  facts: Partial<Connected>;
}

/** The progress and the outcome of an action that takes a while. */
export interface Activity {
  done: number;
  total: number;
  endedAt: string | null;
  /** What was done, or why it could not be done; null = the action has not ended. */
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

/** An action that has just begun. @param total the number of items that it has to handle */
export function begun(total: number): Activity {
  return { done: 0, total, endedAt: null, outcome: null };
}
