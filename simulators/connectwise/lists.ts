/** Lists as ConnectWise gives them: filtered by conditions, counted, paged, and cut to the fields that were asked for. */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import { failure, notFound, type Row } from './answers.ts';
import { ConditionError, parseConditions, read } from './conditions.ts';

/**
 * @param settings of the simulation
 * @param lagging a row as lists show it while they lag behind writes: none, if it was just created
 */
export function createCollection(settings: Readonly<Row>, lagging: (row: Row) => Row[]) {
  /** A list, its count, or one row by id. */
  function collection(request: SimRequest, idText: string | undefined, rows: () => Row[]): SimAnswer {
    if (idText !== undefined && idText !== 'count') {
      const row = rows().find((candidate) => candidate['id'] === Number(idText));
      return row ? { status: 200, body: row } : notFound();
    }
    let found: Row[];
    try {
      const conditions = request.query.get('conditions');
      const childConditions = request.query.get('childConditions');
      found = Number(settings['searchLagMs']) > 0 ? rows().flatMap(lagging) : rows();
      if (conditions) found = found.filter(parseConditions(conditions));
      if (childConditions) {
        const test = parseConditions(childConditions);
        found = found.filter((row) => children(row).some(test));
      }
    } catch (error) {
      if (error instanceof ConditionError) return failure(400, 'InvalidObject', `conditions: ${error.message}`);
      throw error;
    }
    if (idText === 'count') return { status: 200, body: { count: found.length } };
    return paged(request, found);
  }

  function paged(request: SimRequest, rows: Row[]): SimAnswer {
    const size = Math.min(1000, Math.max(1, Number(request.query.get('pageSize') ?? 25) || 25));
    const link = (query: Record<string, string>) => {
      const next = new URLSearchParams(request.query);
      for (const [name, value] of Object.entries(query)) next.set(name, value);
      return { link: `<http://${request.headers.host ?? 'simulator'}${request.path}?${next.toString()}>; rel="next"` };
    };
    if (request.headers['pagination-type'] === 'forward-only' && settings['forwardOnly']) {
      const after = Number(request.query.get('pageId') ?? 0);
      const sorted = rows
        .toSorted((a, b) => Number(a['id']) - Number(b['id']))
        .filter((row) => Number(row['id']) > after);
      const page = sorted.slice(0, size);
      const last = page.at(-1);
      return {
        status: 200,
        body: page.map((row) => project(request, row)),
        headers: last && sorted.length > size ? link({ pageId: String(last['id']) }) : {},
      };
    }
    const order = request.query.get('orderBy')?.split(' ');
    const sorted = order?.[0]
      ? rows.toSorted(
          (a, b) => compare(read(a, order[0] ?? ''), read(b, order[0] ?? '')) * (order[1] === 'desc' ? -1 : 1),
        )
      : rows;
    const at = Math.max(1, Number(request.query.get('page') ?? 1) || 1);
    const more = at * size < sorted.length;
    return {
      status: 200,
      body: sorted.slice((at - 1) * size, at * size).map((row) => project(request, row)),
      headers: more ? link({ page: String(at + 1) }) : {},
    };
  }

  return collection;
}

function project(request: SimRequest, row: Row): Row {
  const fields = request.query.get('fields')?.split(',');
  return fields
    ? Object.fromEntries(fields.map((field) => [field.split('/')[0] ?? field, row[field.split('/')[0] ?? field]]))
    : row;
}

/** Repeats a row for each of its children, for conditions on them (`types/name=…`). */
function children(row: Row): Row[] {
  return Object.entries(row).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((child: unknown) => ({ ...row, [name]: child })) : [],
  );
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
