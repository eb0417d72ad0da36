/**
 * What is set for a connection of its tickets. That a ticket has these fields, and where their values are listed, is in ConnectWise's
 * specification of 2022.1; that each is taken when a ticket is made has not been tried, so that without a setting none is sent.
 */
import { z } from 'zod';
import { field } from '../fields.ts';

const listed = () => z.string().max(50).default('');

export const ticketSettings = {
  ticketSource: field(listed(), {
    label: 'Source of tickets',
    where: 'How a ticket came in: Setup Tables > Source. Read with the right to see setup tables.',
    ofTickets: 'listed',
  }),
  ticketLocation: field(listed(), {
    label: 'Service location of tickets',
    where:
      'Where the work is done, such as remote: Setup Tables > Service Location. Read with the right to see setup tables.',
    ofTickets: 'listed',
  }),
  ticketDue: field(z.enum(['text', 'required_date']).default('text'), {
    label: 'Due date of tickets',
    where:
      "Where the date stands until which an alert has to be handled, if the vendor gives one. The ticket's text has it always.",
    choices: { text: 'In the text', required_date: 'In the text, and as the required date' },
    ofTickets: 'fixed',
  }),
};

export type TicketSettings = z.output<z.ZodObject<typeof ticketSettings>>;
