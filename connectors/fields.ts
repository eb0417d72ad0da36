/** The fields of credentials and settings: one zod schema both checks what was given and says how a form asks for it. */
import { z } from 'zod';

/** What a person must know to fill in a field. */
export interface FieldWords {
  /** What the outside system calls it. */
  label: string;
  /** Where a person finds the value, or what it means. */
  where: string;
  /** It is never shown again, and a form hides it while it is typed. */
  secret?: boolean;
  sample?: string;
  /** Where the value is one of a few: what a form calls each. */
  choices?: Readonly<Record<string, string>>;
  /**
   * It is a field of the tickets of alerts, so that their preview shows it. `listed`: the PSA says which values it may have (`fields`
   * of `readTicketOptions`), the value is the id of one, and the empty text leaves it to the PSA.
   */
  ofTickets?: 'fixed' | 'listed';
}

/** A field as a form needs it. */
export interface Field {
  /** Its name in the body of a request. */
  name: string;
  label: string;
  where: string;
  secret: boolean;
  type: 'text' | 'number';
  required: boolean;
  sample: string | null;
  /** The values that it may have; null = any of its type. */
  choices: { id: string; name: string }[] | null;
  /** The value that holds when none is given; null = none. */
  default: string | number | null;
  minimum: number | null;
  maximum: number | null;
  /** A field of tickets; `listed` = which values there are is read from the PSA. */
  ofTickets: 'fixed' | 'listed' | null;
}

const words = z.registry<FieldWords>();

/**
 * Says how a form asks for a field.
 *
 * @param schema what the value must be; the same schema is then part of the object schema that checks it
 * @throws Error for a schema that is another field's already: its words would be lost
 */
export function field<T extends z.ZodType>(schema: T, said: FieldWords): T {
  if (words.has(schema))
    throw new Error(`The schema of "${said.label}" is also that of "${words.get(schema)?.label}".`);
  words.add(schema, said);
  return schema;
}

/**
 * Lists the fields of an object schema in its order.
 *
 * @throws Error for a field without words, or of a type that no form has
 */
export function fieldsOf(schema: z.ZodObject): Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(schema.shape).map(([name, type]) => {
    const said = words.get(type);
    const shape = properties[name];
    if (!said || typeof shape !== 'object') throw new Error(`The field ${name} has no words for a form.`);
    return {
      name,
      label: said.label,
      where: said.where,
      secret: said.secret ?? false,
      type: typeOf(name, shape.type),
      required: required.includes(name),
      sample: said.sample ?? null,
      choices: said.choices ? Object.entries(said.choices).map(([id, called]) => ({ id, name: called })) : null,
      default: typeof shape.default === 'string' || typeof shape.default === 'number' ? shape.default : null,
      minimum: shape.minimum ?? null,
      maximum: shape.maximum ?? null,
      ofTickets: said.ofTickets ?? null,
    };
  });
}

function typeOf(name: string, type: unknown): Field['type'] {
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return 'number';
  throw new Error(`No form has a field of the type of ${name}.`);
}
