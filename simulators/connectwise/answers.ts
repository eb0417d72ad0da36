/** Answers that ConnectWise gives of any resource, and the check of a request's path, right and method that comes first. */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { Level, Member, Module } from './members.ts';

export type Row = Record<string, unknown>;

export const failure = (status: number, code: string, message: string): SimAnswer => ({
  status,
  body: { code, message },
});
export const noEndpoint = () => failure(404, 'ConnectWiseApi', 'The endpoint does not exist.');
export const notFound = () => failure(404, 'NotFound', 'The record does not exist.');
export const wrongMethod = () => failure(405, 'ConnectWiseApi', 'The method is not allowed.');

/** The right that a method needs (§4.7: `addLevel|editLevel|deleteLevel|inquireLevel`). */
export const levelOf = (method: string): Level =>
  method === 'GET' ? 'inquire' : method === 'POST' ? 'add' : method === 'DELETE' ? 'delete' : 'edit';

export function allowed(member: Member, module: Module, level: Level): SimAnswer | undefined {
  if (!member.lacks.includes(`${module}.${level}`)) return undefined;
  return failure(403, 'Security', 'You do not have security permission to perform this action.');
}

/**
 * Answers a request for a list, its count or one of its rows that the simulator only reads. What it does not carry out is
 * refused: 403 without the right, else 405, so that no program takes a write that did not happen for one that did.
 *
 * @param tail the parts of the path behind the list's own
 */
export function readOnly(
  request: SimRequest,
  { member, module }: { member: Member; module: Module },
  [idText, ...more]: readonly (string | undefined)[],
  read: (idText: string | undefined) => SimAnswer,
): SimAnswer {
  if (more.some((part) => part !== undefined)) return noEndpoint();
  const refused = allowed(member, module, levelOf(request.method));
  if (refused) return refused;
  return request.method === 'GET' ? read(idText) : wrongMethod();
}

/** @param resource for the message, such as `ticket` */
export const invalid = (resource: string, errors: readonly Row[]): SimAnswer => ({
  status: 400,
  body: {
    code: 'InvalidObject',
    message: `${resource} object is invalid`,
    errors: errors.map((error) => ({ resource, ...error })),
  },
});

export const required = (field: string): Row => ({
  code: 'MissingRequiredField',
  message: `The ${field} field is required.`,
  field,
});

/** Finds the row of a reference, which may have an id, an identifier or a name (§4.6, §5.1). */
export function referred<T extends object>(rows: readonly T[], given: unknown): T | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  for (const key of ['id', 'identifier', 'name']) {
    const wanted = (given as Row)[key];
    if (wanted === undefined || wanted === null) continue;
    return rows.find((row) => String((row as Row)[key]).toLowerCase() === String(wanted).toLowerCase());
  }
  return undefined;
}

/** What a message says of a reference. */
export const words = (given: unknown): string => {
  const { id, identifier, name } = (given ?? {}) as Row;
  return String(name ?? identifier ?? id ?? '');
};

/**
 * Reads a PATCH (§5.1): an array of operations on bare names of fields.
 *
 * @param path makes a name of what the operation says, such as without a leading slash
 * @returns the new values by field; null for a field that is removed
 */
export function patchOf(
  request: SimRequest,
  resource: string,
  patchable: ReadonlySet<string>,
  path = (given: string) => given,
): { fields: Row } | { refusal: SimAnswer } {
  if (!Array.isArray(request.body))
    return { refusal: failure(400, 'InvalidObject', 'A PATCH takes an array of operations.') };
  const fields: Row = {};
  for (const operation of request.body as Row[]) {
    const name = path(String(operation?.['path'] ?? ''));
    // A sub-path is answered 200 without effect (§5.1).
    if (/^\w+\/\w/.test(name)) continue;
    if (!patchable.has(name) || !['add', 'replace', 'remove'].includes(String(operation['op'])))
      return {
        refusal: invalid(resource, [{ code: 'InvalidPath', message: `The path ${name} does not exist.`, field: name }]),
      };
    fields[name] = operation['op'] === 'remove' ? null : operation['value'];
  }
  return { fields };
}
