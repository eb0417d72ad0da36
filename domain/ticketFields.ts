/** Fields of tickets that are set for a PSA connection, beside what hangs on a board: a source, a category, a location. Pure. */
import type { Refusal, TicketOptions } from './alerts.ts';

/** A setting of a connection, as its form shows it. */
interface Setting {
  name: string;
  label: string;
  choices: { id: string; name: string }[] | null;
  default: string | number | null;
  ofTickets: 'fixed' | 'listed' | null;
}

export interface TicketField {
  name: string;
  label: string;
  /** What it is set to, in the PSA's words; null = the PSA fills it in by itself. */
  value: string | null;
  /** The values that it may have; null = they have not been read from the PSA. */
  choices: { id: string; name: string }[] | null;
}

type Values = Readonly<Record<string, unknown>>;

/** @param options what was read from the PSA; null = nothing yet */
export function ticketFieldsOf(
  settings: readonly Setting[],
  values: Values,
  options: TicketOptions | null,
): TicketField[] {
  return settings.flatMap(({ name, label, ofTickets, ...setting }) => {
    if (ofTickets === null) return [];
    const choices = ofTickets === 'fixed' ? setting.choices : (options?.fields?.[name] ?? null);
    const id = String(values[name] ?? setting.default ?? '');
    // A value that the PSA offered once, and no longer, is shown by its id.
    const value = id === '' ? null : (choices?.find((choice) => choice.id === id)?.name ?? id);
    return [{ name, label, value, choices }];
  });
}

/**
 * Says which fields are set to a value that the PSA offers no longer; a field whose values could not be read is believed.
 *
 * @param of.known what was read earlier, when the value was chosen; it has the value's name
 */
export function fieldsNoLongerOffered(
  settings: readonly Setting[],
  values: Values,
  of: { known: TicketOptions | null; now: Pick<TicketOptions, 'fields'> },
): { label: string; value: string }[] {
  return settings.flatMap(({ name, label, ofTickets }) => {
    const id = values[name] ?? '';
    const choices = of.now.fields?.[name];
    if (ofTickets !== 'listed' || id === '' || !choices || choices.some((choice) => choice.id === id)) return [];
    return [{ label, value: of.known?.fields?.[name]?.find((choice) => choice.id === id)?.name ?? String(id) }];
  });
}

/**
 * Says which given values the PSA does not offer. One that stays as it was is taken: that the PSA no longer offers it must not be in
 * the way of other changes.
 */
export function refusedTicketFields(
  settings: readonly Setting[],
  given: Values,
  of: { before: Values; options: TicketOptions | null },
): Refusal[] {
  return settings.flatMap(({ name, ofTickets }) => {
    const id = given[name] ?? '';
    if (ofTickets !== 'listed' || id === '' || id === of.before[name]) return [];
    const choices = of.options?.fields?.[name];
    if (!choices) {
      const reason =
        'What the PSA offers here has not been read yet: Check Permissions of an integration with alerts reads it.';
      return [{ field: name, reason }];
    }
    return choices.some((choice) => choice.id === id) ? [] : [{ field: name, reason: 'The PSA offers no such value.' }];
  });
}
