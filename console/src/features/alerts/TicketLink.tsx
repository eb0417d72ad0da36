import type { Alert } from './queries.ts';

/** The number of an alert's ticket, as a link where the PSA gives one. */
export function TicketLink({ alert: { ticketId, ticketUrl } }: { alert: Pick<Alert, 'ticketId' | 'ticketUrl'> }) {
  if (ticketId === null) return 'None yet';
  if (ticketUrl === null) return ticketId;
  return (
    <a href={ticketUrl} target="_blank" rel="noreferrer">
      {ticketId}
    </a>
  );
}
