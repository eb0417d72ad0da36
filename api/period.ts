/** The period of a request: whole days on the clock of a time zone. */
import { z } from '@hono/zod-openapi';
import { periodOf, type Period } from '../domain/period.ts';
import { isTimeZone } from '../domain/schedule.ts';
import type { ApiDependencies } from './context.ts';
import { ApiProblem } from './problem.ts';

const day = z.iso
  .date({ abort: true })
  .refine((date) => date >= '2000' && date < '2100', 'is not between 2000 and 2099')
  .optional();

/** The fields of a query that name a period. */
export const periodQuery = {
  from: day.openapi({ description: 'The first day; absent = the first of the month', example: '2026-11-01' }),
  to: day.openapi({ description: 'The last day; absent = the last of the month', example: '2026-11-30' }),
  timeZone: z.string().max(100).refine(isTimeZone, 'is no time zone').optional().openapi({
    description: 'In which the days are, an IANA name; absent = the setting DEFAULT_TIME_ZONE',
    example: 'America/New_York',
  }),
};

interface AskedPeriod {
  from?: string | undefined;
  to?: string | undefined;
  timeZone?: string | undefined;
}

/** The period of a list that need not have one. @returns nothing when no day is given: all of the list */
export function periodIfAny(deps: ApiDependencies, asked: AskedPeriod): Partial<Period> {
  return asked.from === undefined && asked.to === undefined ? {} : periodIn(deps, asked);
}

/** @throws ApiProblem when the last day is before the first */
export function periodIn(
  { environment }: ApiDependencies,
  { timeZone = environment.DEFAULT_TIME_ZONE, ...days }: AskedPeriod,
): Period {
  const period = periodOf({ ...days, timeZone }, new Date());
  if (period) return period;
  throw new ApiProblem(400, 'invalid-request', 'The last day is before the first.', {
    errors: [{ field: 'to', message: 'is before the first day' }],
  });
}
