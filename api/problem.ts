/** Errors as RFC 9457 problem documents with a stable `code`. */
import { z } from '@hono/zod-openapi';
import type { Refusal, RefusalKind } from '../commands/refusal.ts';

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    /** The request's id, by which the log can be searched. */
    instance: z.string().optional(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem', {
    example: {
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'not-read-yet',
      detail: 'The PSA has not been read yet. Try again when the step "Read the PSA" is done.',
    },
  });

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Cannot be done as asked',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
};

export interface FieldError {
  field: string;
  message: string;
}

/** The fields that do not fit a schema. @param at the place of the parsed value in the body, as in `settings.` */
export function fieldErrors(error: Pick<z.ZodError, 'issues'> | undefined, at: string): FieldError[] {
  return (error?.issues ?? []).map(({ path, message }) => ({ field: `${at}${path.map(String).join('.')}`, message }));
}

/** The error that a handler throws to answer with a problem document. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { errors?: readonly FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }

  toBody(requestId: string): z.infer<typeof problemSchema> {
    return {
      type: 'about:blank',
      title: titles[this.status] ?? 'Error',
      status: this.status,
      code: this.code,
      detail: this.message,
      instance: requestId,
      ...(this.errors ? { errors: [...this.errors] } : {}),
    };
  }

  toResponse(requestId: string): Response {
    return new Response(JSON.stringify(this.toBody(requestId)), {
      status: this.status,
      headers: { 'content-type': 'application/problem+json', 'x-request-id': requestId, ...this.headers },
    });
  }
}

export const notFound = (what: string) => new ApiProblem(404, 'not-found', `There is no such ${what}.`);
export const conflict = (code: string, detail: string) => new ApiProblem(409, code, detail);
export const unprocessable = (code: string, detail: string, errors?: FieldError[]) =>
  new ApiProblem(422, code, detail, errors ? { errors } : {});

const statusOf: Record<RefusalKind, number> = { unknown: 404, conflict: 409, impossible: 422 };

/** The problem document for the refusal of a command. */
export const problemOf = ({ kind, code, message, errors }: Refusal) =>
  new ApiProblem(statusOf[kind], code, message, errors ? { errors } : {});
