/** Answers that the simulated Deltadesk gives of any row. Whatever its business refuses comes with status 500 and a `fault`. */
import type { SimAnswer, SimRequest } from '../../../../simulators/kit/simulator.ts';

export type Row = Record<string, unknown>;

/** What its business refuses: GONE, NO_RIGHT, REFUSED, SIGN_IN, or UNKNOWN for an address that it does not have. */
export const fault = (code: string, text: string): SimAnswer => ({ status: 500, body: { fault: { code, text } } });
export const refused = (text: string) => fault('REFUSED', text);
export const gone = (what: string) => fault('GONE', `There is no ${what}.`);
export const unknownAddress = () => fault('UNKNOWN', 'There is nothing at this address.');

/** The most rows of one page. */
const largestPage = 200;

/** Answers with a page of rows, and with how many there are in all. */
export function page(rows: readonly Row[], { query }: Pick<SimRequest, 'query'>): SimAnswer {
  const from = Number(query.get('from') ?? 0);
  const take = Math.min(Number(query.get('take') ?? largestPage), largestPage);
  return { status: 200, body: { rows: rows.slice(from, from + take), of: rows.length } };
}

export const objectOf = ({ body }: Pick<SimRequest, 'body'>): Row =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Row) : {};
