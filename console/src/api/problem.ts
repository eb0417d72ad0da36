/** What the API refuses, in its own words (RFC 9457), and what happens when it does not answer at all. */
import { noteLost } from './connection.ts';
import type { Schema } from './types.ts';

export class Problem extends Error {
  override readonly name = 'Problem';
  /** 0 = there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** Whoever reads the log finds the request by it. */
  readonly requestId: string | undefined;
  readonly fields: readonly { field: string; message: string }[];

  constructor(body: Schema<'Problem'>) {
    super(body.detail);
    this.status = body.status;
    this.code = body.code;
    this.title = body.title;
    this.requestId = body.instance;
    this.fields = body.errors ?? [];
  }
}

export function isProblem(error: unknown): error is Problem {
  return error instanceof Problem;
}

export const noAnswer = () =>
  new Problem({
    type: 'about:blank',
    title: 'Countersign does not answer',
    status: 0,
    code: 'no-answer',
    detail:
      'Reading is tried again by itself. If you were changing something, look whether it happened before you do it again.',
  });

/** @param body of an answer that is not good */
export function problemOf(status: number, body: unknown): Problem {
  if (isProblemBody(body)) return new Problem(body);
  if ([502, 504].includes(status)) noteLost();
  return notOurs(status);
}

function isProblemBody(body: unknown): body is Schema<'Problem'> {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'title' in body;
}

/** An answer that is no problem document: something in front of the API gave it. */
const notOurs = (status: number) =>
  new Problem({
    type: 'about:blank',
    title: 'Something else answered',
    status,
    code: 'not-countersign',
    detail: `The answer (${status}) did not come from Countersign, but from something in front of it. Try again in a moment.`,
  });
