/** Reads the fields that vendors send: strict on those that are used, lenient on all others; messages have Gradient's wording. */
import { z } from 'zod';
import { largestQuantity } from '../../domain/quantities.ts';
import { isBad } from '../middleware/text.ts';
import { VendorApiError } from './responses.ts';

export type Fields = Record<string, unknown>;

export function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new VendorApiError(400, 'The body must be an object');
  return value as Fields;
}

/** One object or an array of them: older vendors send arrays, newer ones either (reference/gradient.md §4.1). */
export function listOfFields(value: unknown): Fields[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new VendorApiError(400, 'The body must contain at least 1 element');
  if (list.length > 10_000) throw new VendorApiError(400, 'The body must contain no more than 10000 elements');
  return list.map(fieldsOf);
}

/** Compares by characters, as OpenAPI counts them: one beyond U+FFFF counts as one. */
export function isLonger(text: string, maxLength: number): boolean {
  return text.length > maxLength && Array.from(text).length > maxLength;
}

/** @returns undefined when the field is absent or null */
export function optionalText(fields: Fields, name: string, maxLength = 1_000): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new VendorApiError(400, `${name} must be a string`);
  if (isLonger(value, maxLength))
    throw new VendorApiError(400, `${name} must be shorter than or equal to ${maxLength} characters`);
  if (isBad(value)) throw new VendorApiError(400, `${name} must be valid text`);
  return value;
}

/** A text that says something, if it is there: nothing can be found, or recognised, by an empty name. */
export function optionalName(fields: Fields, name: string, maxLength?: number): string | undefined {
  const value = optionalText(fields, name, maxLength);
  return value === undefined ? undefined : requiredText(fields, name, maxLength);
}

/** A text that has to be there, and may be empty: some vendors describe nothing, and say so. */
export function givenText(fields: Fields, name: string, maxLength?: number): string {
  const value = optionalText(fields, name, maxLength);
  if (value === undefined) throw new VendorApiError(400, `${name} must be a string`);
  return value;
}

/** A text that says something. */
export function requiredText(fields: Fields, name: string, maxLength?: number): string {
  const value = givenText(fields, name, maxLength);
  if (value.trim() === '') throw new VendorApiError(400, `${name} should not be empty`);
  return value;
}

export function optionalFlag(fields: Fields, name: string): boolean | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new VendorApiError(400, `${name} must be a boolean value`);
  return value;
}

export function oneOf<T extends string>(fields: Fields, name: string, allowed: readonly T[]): T {
  const value = fields[name];
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw new VendorApiError(400, `${name} must be one of the following values: ${allowed.join(', ')}`);
  return found;
}

/** Reads a count: absolute, 0 or more, fractions allowed (a service mapping says how they are rounded). */
export function countOf(fields: Fields, name: string): number {
  const value = fields[name];
  // Gradient answers `unitCount must be a number` to null; a string is refused, too (reference/gradient.md §3).
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new VendorApiError(400, `${name} must be a number`);
  if (value < 0) throw new VendorApiError(400, `${name} must not be less than 0`);
  if (value > largestQuantity) throw new VendorApiError(400, `${name} must not be greater than ${largestQuantity}`);
  return value;
}

/** Reads a whole number of a small range; an absent or null field gives `otherwise`. */
export function wholeNumber(
  fields: Fields,
  name: string,
  { from, to, otherwise }: { from: number; to: number; otherwise: number },
): number {
  const value = fields[name] ?? otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new VendorApiError(400, `${name} must be an integer number`);
  if (value < from) throw new VendorApiError(400, `${name} must not be less than ${from}`);
  if (value > to) throw new VendorApiError(400, `${name} must not be greater than ${to}`);
  return value;
}

const moment = z.union([z.iso.datetime({ offset: true }), z.iso.datetime({ offset: true, precision: -1 })]);

/** Reads an ISO 8601 date and time of a day that exists, with its zone: without one nobody knows which moment is meant. */
export function optionalDate(fields: Fields, name: string): Date | undefined {
  const text = optionalText(fields, name, 40);
  if (text === undefined) return undefined;
  if (!moment.safeParse(text).success)
    throw new VendorApiError(400, `${name} must be a valid ISO 8601 date string, with a zone`);
  return new Date(text);
}

/** The values of ids in a query: `name[]=a&name[]=b`, `name=a&name=b` or `name=a,b`; undefined = no ids are given. */
export function valuesOf(query: Record<string, string[]>, name: string): string[] | undefined {
  const given = [...(query[name] ?? []), ...(query[`${name}[]`] ?? [])];
  return given.length > 0 ? given : undefined;
}
