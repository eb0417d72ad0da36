/** Why a step is blocked: what happened and what to do. `code` is all that enters workflow history (invariant 7). */
export interface Problem {
  code: string;
  what: string;
  todo: string;
  /** The HTTP status, and the template of the route, of the call that failed. */
  status?: number;
  route?: string;
}

/** What to do about each problem code of an activity. */
const todoByCode: Record<string, string> = {
  bad_credentials: 'Give new credentials; the step then tries again by itself.',
  forbidden: 'Grant the missing right in the outside system, then retry the step.',
  virtual_administrator: 'Mailprotector bought through Virtual Administrator cannot be connected.',
  not_found: 'Check the id and the address that were given, correct them, then retry the step.',
  invalid_request: 'Check the settings of this connection, then retry the step.',
  bad_shape:
    'The other side answered in a form Countersign does not know. Report it with the request id to those who maintain Countersign; retry later.',
  not_json:
    'Something in front of the other side answered: maintenance, a challenge, a login page. It is tried again by itself; if it stays so, check the address of the connection, and that its firewall lets Countersign through.',
  locked: 'Somebody has the record open or in use in the outside system. It is tried again by itself; close it there.',
  too_large:
    'The other side sent more than Countersign accepts. Report it with the request id to those who maintain Countersign.',
  redirected:
    'Check the address of the connection: it answers with a redirect, which is not followed with credentials.',
  bad_host: 'Check the address of the connection.',
  incomplete:
    'The list did not arrive whole, so nothing was changed. It is tried again by itself. If it stays so, accept the incomplete list knowingly: what it holds may then raise and add, never lower or remove.',
  contradictory:
    'The other side says the same thing each time and it cannot be true, so the list may not be whole and nothing was changed. Report that to its support. Or accept the incomplete list knowingly: what it holds may then raise and add, never lower or remove.',
  missing_rights: 'Grant the named rights to the user of the API in the PSA, then retry the step.',
  needs_answer: 'Look in the PSA what the line holds, then say it on the approval. It is never sent again by itself.',
  held: 'Look at what moved, then release or discard it: a run on its own page, a reading of the PSA on the page of its connection.',
  refused: 'Correct what the PSA refuses, then retry the alert, or dismiss it.',
  not_mapped: 'Map the customer to a PSA account, or exclude it: until then nothing of it is billed.',
  unreachable: 'The other side does not answer. It is tried again by itself; check its status page.',
  throttled:
    'The other side asks for a pause, and is asked again by itself when that is over. A check, a retry or new credentials ask it at once.',
  unexpected:
    'An error in Countersign. Report it with the workflow id to those who maintain Countersign; retry the step after an upgrade.',
};

/** Every code with which a step is blocked for a reason of its own; each has its row in docs/operations.md. */
export const problemCodes: readonly string[] = Object.keys(todoByCode);

/** Makes the problem for a code; `what` may quote the outside system and therefore stays in PostgreSQL. */
export function problemOf(code: string, what: string): Problem {
  return {
    code,
    what,
    todo: todoByCode[code] ?? 'Retry the step; if it stays blocked, report the code to those who maintain Countersign.',
  };
}
