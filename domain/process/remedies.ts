/** What to do about a blocked step, of whose, and where: a stranger reads it in the Temporal UI, and needs nothing else. */
import { whoIn } from './labels.ts';
import { problemOf } from './problems.ts';

/**
 * Whose a process is, and our ids of what it works with. The names are those that the MSP gave (invariant 7): never a
 * customer's.
 */
export interface Whose {
  organization: string;
  /** The vendor of its integration. */
  vendor?: string;
  /** Its PSA connection. */
  psa?: string;
  integrationId?: string;
  psaConnectionId?: string;
  /** Its integration carries alerts alone, so that nothing of it is billed. */
  alertsOnly?: true;
}

/** A blocked step. */
interface Blocked {
  step: string;
  code: string;
  /** With `missing_rights`: where each right that is missing is set. */
  missing?: readonly string[];
}

/**
 * Says what to do: with the request, and the console's address, of the connection that the step works with.
 *
 * @param whose undefined where it is not known; then the words say only what
 */
export function remedyOf(blocked: Blocked, whose: Omit<Whose, 'organization'> | undefined): string {
  const { todo } = problemOf(blocked.code, '');
  const side = whose && sideOf(blocked.step, whose);
  if (!whose || !side) return todo;
  const { name, page, credentials } = side;
  switch (blocked.code) {
    case 'bad_credentials':
      return `Give new credentials of ${name}: \`PUT ${credentials}\`, or ${page} in the console; the step then tries again by itself.`;
    case 'missing_rights':
      return blocked.missing?.length
        ? `Grant the user of the API in ${name} these rights, then retry the step: ${blocked.missing.join('; ')}.`
        : `${todo} ${page} in the console names them.`;
    case 'forbidden':
      return `Grant the missing right in ${name}, then retry the step. ${page} in the console says what was refused.`;
    case 'not_found':
    case 'invalid_request':
    case 'redirected':
    case 'bad_host':
      return `${todo} The connection is that of ${name}: ${page} in the console.`;
    case 'not_mapped':
      return `${whose.alertsOnly ? 'Map the customer to a PSA account, or exclude it: until then its alerts are parked.' : todo} \`/new-customers\` in the console shows it.`;
    default:
      return todo;
  }
}

/** The connection that a step works with: that of the vendor, or of the PSA. */
function sideOf(step: string, { vendor, psa, integrationId, psaConnectionId }: Omit<Whose, 'organization'>) {
  const ofVendor = integrationId !== undefined && {
    name: vendor ?? 'the vendor',
    page: `\`/integrations/${integrationId}\``,
    credentials: `/v1/integrations/${integrationId}/vendor-credentials`,
  };
  const ofPsa = psaConnectionId !== undefined && {
    name: psa === undefined ? 'the PSA' : `the PSA "${psa}"`,
    page: `\`/psa-connections/${psaConnectionId}\``,
    credentials: `/v1/psa-connections/${psaConnectionId}/credentials`,
  };
  return (whoIn(step) === 'vendor' ? ofVendor || ofPsa : ofPsa || ofVendor) || undefined;
}
