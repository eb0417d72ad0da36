/** Reads ids in the URL, in every form in which clients send them (domain/idReadings.ts). */
import type { Context } from 'hono';
import { getPath } from 'hono/utils/url';
import { meantBy, readingsOf, type IdReadings, type Identified } from '../../domain/idReadings.ts';
import { VendorApiError } from './responses.ts';

/** The base path of Gradient's Vendor API, so that only the host differs. */
export const vendorApiPath = '/api/vendor-api';

/**
 * The path of a request. For the Vendor API it is the path as it was sent, because `URL` takes `..` for the folder above,
 * where it may be an account's id. Node answers 400 to bytes that are not ASCII.
 */
export function pathOf(request: Request, options?: { env?: unknown }): string {
  const { incoming } = (options?.env ?? {}) as { incoming?: { url?: string } };
  const sent = incoming?.url ?? '';
  return sent.startsWith(vendorApiPath) ? (sent.split('?', 1)[0] ?? '') : getPath(request);
}

/** Reads the id between two fixed parts of the path. */
export function idIn(c: Context, before: string, after = ''): IdReadings {
  const part = c.req.path.slice(vendorApiPath.length + before.length);
  return readingsOf(part.slice(0, part.length - after.length));
}

/**
 * Finds the row that is meant.
 *
 * @param rows every row that one of the readings may mean
 * @returns undefined when there is none
 * @throws VendorApiError 409 when several may be meant
 */
export function meantIn<T extends Identified>({ readings }: IdReadings, rows: readonly T[]): T | undefined {
  const found = meantBy(readings, rows);
  if (found === 'ambiguous') throw ambiguous(readings[0]);
  return found;
}

export const ambiguous = (id: string) =>
  new VendorApiError(409, `More than one has an id that "${id}" may mean. Percent-encode every character of it`);
