/** Lists as ConnectWise gives them: filtered by conditions, counted, paged, and cut to the fields that were asked for. */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import { failure, noEndpoint, notFound, type Row } from './answers.ts';
import { ConditionError, parseConditions, read } from './conditions.ts';

/**
 * @param settings of the simulation
 * @param lagging a row as lists show it while they lag behind writes: none, if it was just created
 */
export function createCollection(settings: Readonly<Row>, lagging: (row: Row) => Row[]) {
  /** A list, its count, or one row by id. */
  function collection(request: SimRequest, idText: string | undefined, rows: () => Row[]): SimAnswer {
    if (idText !== undefined && idText !== 'count') {
      if (!/^\d+$/.test(idText)) return noEndpoint();
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
    /** @param pages by relation, such as `next`; the page is the last parameter of each address */
    const link = (name: 'page' | 'pageId', pages: Record<string, number | undefined>) => {
      const links = Object.entries(pages).flatMap(([relation, page]) => {
        if (page === undefined) return [];
        const query = new URLSearchParams(request.query);
        query.delete(name);
        query.append(name, String(page));
        return `<http://${request.headers.host ?? 'simulator'}${request.path}?${query.toString()}>; rel="${relation}"`;
      });
      return links.length > 0 ? { link: links.join(', ') } : {};
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
        headers: link('pageId', { next: last && sorted.length > size ? Number(last['id']) : undefined }),
      };
    }
    const sorted = ordered(rows, request.query.get('orderBy'));
    const at = Math.max(1, Number(request.query.get('page') ?? 1) || 1);
    const last = Math.max(1, Math.ceil(sorted.length / size));
    return {
      status: 200,
      body: sorted.slice((at - 1) * size, at * size).map((row) => project(request, row)),
      // The last page has no next and no last, the first one no prev and no first.
      headers: link('page', {
        ...(at < last ? { next: at + 1, last } : {}),
        ...(at > 1 ? { prev: at - 1, first: 1 } : {}),
      }),
    };
  }

  return collection;
}

/** @param orderBy `field asc|desc`, and further ones after commas for rows that are equal in the first */
function ordered(rows: Row[], orderBy: string | null): Row[] {
  const keys = (orderBy ?? '')
    .split(',')
    .map((key) => key.trim().split(/\s+/))
    .filter(([path]) => path);
  if (keys.length === 0) return rows;
  return rows.toSorted((a, b) => {
    for (const [path = '', direction] of keys) {
      const difference = compare(read(a, path), read(b, path));
      if (difference !== 0) return direction?.toLowerCase() === 'desc' ? -difference : difference;
    }
    return 0;
  });
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
