/** Where a PSA's tickets can go, as it was read and as it is kept. */
import type { PsaAdapter, PsaTicketOptions } from '../connectors/psa.ts';
import type { CallOptions } from '../connectors/vendor.ts';
import type { TicketOptions } from '../domain/alerts.ts';

/** What was read, with every type on each board that takes it. */
type FoundTicketOptions = Omit<PsaTicketOptions, 'types'>;

/** Reads them; types that hang on no board may be chosen with every board that takes tickets. */
export async function readTicketOptions(
  adapter: Pick<PsaAdapter, 'readTicketOptions'>,
  options?: CallOptions,
): Promise<FoundTicketOptions> {
  const { boards, types = [], ...others } = await adapter.readTicketOptions(options);
  const takesTickets = ({ projectBoard, active }: (typeof boards)[number]) => active && !projectBoard;
  return {
    ...others,
    boards: boards.map((board) => (takesTickets(board) ? { ...board, types: [...board.types, ...types] } : board)),
  };
}

/**
 * A board whose details could not be read, and a field whose values could not, keep what was read last; without any, they offer no
 * choices.
 */
export function keepUnread(
  known: TicketOptions | null,
  { boards, priorities, fields }: FoundTicketOptions,
): TicketOptions {
  const kept = boards.map(({ unread, ...board }) => {
    const last = known?.boards.find((row) => row.id === board.id);
    return unread !== undefined && last ? { ...board, statuses: last.statuses, types: last.types } : board;
  });
  return { boards: kept, priorities, fields: { ...known?.fields, ...fields } };
}

/** Adds the entries of an incomplete list to the known ones: known entries that the list lacks stay. */
export function addTicketOptions(known: TicketOptions, found: TicketOptions): TicketOptions {
  const add = <T extends { id: string }>(before: readonly T[], now: readonly T[]) => [
    ...now,
    ...before.filter((row) => !now.some((other) => other.id === row.id)),
  ];
  const boards = add(known.boards, found.boards).map((board) => {
    const before = known.boards.find((row) => row.id === board.id);
    return before
      ? { ...board, statuses: add(before.statuses, board.statuses), types: add(before.types, board.types) }
      : board;
  });
  const fields = Object.fromEntries(
    Object.entries(found.fields ?? {}).map(([name, values]) => [name, add(known.fields?.[name] ?? [], values)]),
  );
  return { boards, priorities: add(known.priorities, found.priorities), fields };
}
