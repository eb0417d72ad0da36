/** The parts of a vendor account that several resources show. */
import { z } from '@hono/zod-openapi';
import { idParam } from '../define.ts';

export const accountParam = idParam.extend({ accountId: z.string().min(1).max(200).openapi({ example: '1001' }) });
export const suggestionSchema = z
  .object({ id: z.string(), name: z.string(), score: z.number(), reason: z.string() })
  .openapi('Suggestion');
