/** Schemas of Mailprotector's answers: fields that are used are required, all others are let through (mailprotector.md §4). */
import { z } from 'zod';

const id = z.union([z.int(), z.string()]).transform(String);
const ref = z.looseObject({ id, name: z.string() });

export const resellerSchema = z.looseObject({ id, name: z.string() });
export const customerSchema = z.looseObject({ id, name: z.string() });
export const domainSchema = z.looseObject({
  id,
  name: z.string(),
  account: ref,
  /** Set on an alias, which is left out because its users are its parent's. */
  parent: z.unknown(),
  domain_status: z.looseObject({ id: z.int(), name: z.string() }),
  created_at: z.string().nullish(),
});
export const userGroupSchema = z.looseObject({ id, name: z.string(), user_count: z.int().min(0) });
const serviceSchema = z.looseObject({ service_type: z.string() });
/** Sources disagree whether this is one record or an array (§5.1), so both are accepted. */
export const servicesSchema = z.union([z.array(serviceSchema), serviceSchema.transform((one) => [one])]);
export const userSyncSchema = z.looseObject({
  id,
  name: z.string(),
  /** False = the source stopped answering (§4.15). */
  alive: z.boolean(),
  enabled: z.boolean().nullish(),
});
export const statementSchema = z.looseObject({
  id,
  amount: z.number(),
  currency: z.string(),
  statement_status: z.string(),
  due_date: z.string(),
});
export const userSchema = z.looseObject({
  id,
  user_type: z.looseObject({ id: z.int(), name: z.string() }),
  user_group: ref,
});
