/** Additions of an agreement: list, create, change, replace, remove (connectwise.md §3, §4.4, §5.1). */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { WorldLine, WorldAgreement, WorldProduct } from '../world.ts';
import {
  allowed,
  failure,
  invalid,
  levelOf,
  noEndpoint,
  notFound,
  patchOf,
  referred,
  required,
  words,
  wrongMethod,
  type Row,
} from './answers.ts';
import type { Member } from './members.ts';
import { billCustomers } from './rows.ts';

/** What additions need from the rest of the simulation. */
export interface AdditionHost {
  settings: Readonly<Row>;
  products: readonly WorldProduct[];
  agreement(id: number): WorldAgreement | undefined;
  collection(request: SimRequest, idText: string | undefined, rows: () => Row[]): SimAnswer;
  row(agreement: WorldAgreement, addition: WorldLine): Row;
  nextId(): number;
  /** Makes a change through the API: applies it, journals it, and keeps the row before and after. */
  write(change: Row, method: string, agreement: WorldAgreement, addition: WorldLine, member: Member): void;
}

/** Fields that are kept and shown as they are written. */
const more = ['invoiceDescription', 'serialNumber', 'sequenceNumber', 'taxableFlag', 'customFields'] as const;
/** Its other fields, and what the world calls them. */
const numbers: Row = { quantity: 'quantity', lessIncluded: 'included', unitPrice: 'unitPrice', unitCost: 'unitCost' };
const dates: Row = { effectiveDate: 'from', cancelledDate: 'until' };
const patchable = new Set([
  ...Object.keys({ ...numbers, ...dates }),
  ...more,
  ...['billCustomer', 'description', 'product'],
]);

export function createAdditions(host: AdditionHost) {
  return function route(
    request: SimRequest,
    member: Member,
    agreementId: number,
    [idText, ...rest]: readonly (string | undefined)[],
  ): SimAnswer {
    if (rest.length > 0) return noEndpoint();
    const refused = allowed(member, 'agreements', levelOf(request.method));
    if (refused) return refused;
    const agreement = host.agreement(agreementId);
    if (!agreement) return notFound();
    if (request.method === 'GET')
      return host.collection(request, idText, () => agreement.lines.map((addition) => host.row(agreement, addition)));
    if (idText === undefined) return request.method === 'POST' ? create(request, member, agreement) : wrongMethod();
    if (!['PATCH', 'PUT', 'DELETE'].includes(request.method) || idText === 'count') return wrongMethod();
    const addition = agreement.lines.find((candidate) => candidate.id === Number(idText));
    if (!addition) return notFound();
    if (request.method === 'DELETE') {
      const change = { change: 'removeLine', agreementId, lineId: addition.id };
      host.write(change, 'DELETE', agreement, addition, member);
      return { status: 204 };
    }
    return request.method === 'PATCH'
      ? patch(request, member, agreement, addition)
      : replace(request, member, agreement, addition);
  };

  function create(request: SimRequest, member: Member, agreement: WorldAgreement): SimAnswer {
    const given = objectOf(request);
    const missing = [
      ...(words(given['product']) === '' ? [required('product/id')] : []),
      ...(given['billCustomer'] === undefined ? [required('billCustomer')] : []),
    ];
    if (missing.length > 0) return invalid('addition', missing);
    const product = productOf(given['product']);
    if ('refusal' in product) return product.refusal;
    const unsupported = wrongFields(given);
    if (unsupported) return unsupported;
    const effectiveDate = String(given['effectiveDate'] ?? agreement.nextInvoiceDate);
    if (effectiveDate.slice(0, 10) < agreement.startDate) {
      return failure(
        400,
        'InvalidObject',
        'Addition object is invalid - effectiveDate cannot be less than the agreement billing start date',
      );
    }
    // A period that was invoiced is not invoiced again, unless the agreement prorates (§3).
    if (!agreement.prorate && effectiveDate.slice(0, 10) < agreement.nextInvoiceDate) {
      return failure(
        400,
        'InvalidObject',
        'Addition object is invalid - Since this period has already been invoiced there will not be an invoice generated for additional products for this period. Please prorate the agreement or update the start date to on or after the Next Invoice Date.',
      );
    }
    const made: WorldLine = {
      id: host.nextId(),
      quantity: 0,
      included: 0,
      unitPrice: product.found.price,
      until: null,
      ...stored({ ...given, effectiveDate }, product.found),
    } as WorldLine;
    host.write({ change: 'addLine', agreementId: agreement.id, line: made }, 'POST', agreement, made, member);
    return { status: 201, body: host.row(agreement, made) };
  }

  /** Replaces all fields: a field that is left out gets its default (§5.1). */
  function replace(request: SimRequest, member: Member, agreement: WorldAgreement, addition: WorldLine): SimAnswer {
    const given = objectOf(request);
    if (given['billCustomer'] === undefined) return invalid('addition', [required('billCustomer')]);
    const product = given['product'] === undefined ? undefined : productOf(given['product']);
    if (product && 'refusal' in product) return product.refusal;
    const unsupported = wrongFields(given);
    if (unsupported) return unsupported;
    const nothing = { quantity: 0, included: 0, unitPrice: 0, from: agreement.startDate };
    const fields = {
      ...{ ...nothing, until: null, unitCost: null, description: null, more: null },
      ...stored(given, product?.found),
    };
    const change = { change: 'patchAddition', agreementId: agreement.id, lineId: addition.id, fields };
    host.write(change, 'PUT', agreement, addition, member);
    return { status: 200, body: host.row(agreement, addition) };
  }

  function patch(request: SimRequest, member: Member, agreement: WorldAgreement, addition: WorldLine): SimAnswer {
    const slash = host.settings['leadingSlash'] ? /^\// : /$^/;
    const read = patchOf(request, 'addition', patchable, (path) => path.replace(slash, ''));
    if ('refusal' in read) return read.refusal;
    const product = read.fields['product'] === undefined ? undefined : productOf(read.fields['product']);
    if (product && 'refusal' in product) return product.refusal;
    const unsupported = wrongFields(read.fields);
    if (unsupported) return unsupported;
    const fields = stored(read.fields, product?.found);
    if (fields['more']) fields['more'] = { ...addition.more, ...fields['more'] };
    const change = { change: 'patchAddition', agreementId: agreement.id, lineId: addition.id, fields };
    host.write(change, 'PATCH', agreement, addition, member);
    return { status: 200, body: host.row(agreement, addition) };
  }

  function productOf(given: unknown): { found: WorldProduct } | { refusal: SimAnswer } {
    const found = referred(host.products, given);
    if (!found)
      return {
        refusal: invalid('addition', [
          { code: 'NotFound', message: `Product ${words(given)} not found`, field: 'product' },
        ]),
      };
    return found.kind === 'bundle'
      ? { refusal: failure(400, 'InvalidObject', 'Addition object is invalid - a bundle cannot be an addition') }
      : { found };
  }
}

const objectOf = (request: SimRequest): Row =>
  typeof request.body === 'object' && request.body !== null && !Array.isArray(request.body)
    ? (request.body as Row)
    : {};

/** The fields of an addition as the world keeps them, of those that were given. */
function stored(given: Row, product: WorldProduct | undefined): Row & { more?: Row } {
  const fields: Row & { more?: Row } = product ? { productId: product.id } : {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (name === 'description') fields[name] = value;
    else if (name === 'billCustomer')
      fields['billing'] = Object.entries(billCustomers).find(([, its]) => its === value)?.[0];
    else if (name in numbers) fields[String(numbers[name])] = value;
    else if (name in dates) fields[String(dates[name])] = typeof value === 'string' ? value.slice(0, 10) : null;
  }
  const rest = more.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]));
  if (rest.length > 0) fields.more = Object.fromEntries(rest);
  return fields;
}

/** Refuses fields of an addition in a form that ConnectWise does not accept; absent fields are fine. */
function wrongFields(given: Row): SimAnswer | undefined {
  const wrong = Object.entries(given).filter(([name, value]) => {
    if (name in numbers) return typeof value !== 'number';
    if (name === 'billCustomer') return !Object.values(billCustomers).some((its) => its === value);
    if (name === 'description' || name === 'invoiceDescription') return value !== null && typeof value !== 'string';
    // A time with an offset is refused, a time with Z is accepted (§3).
    if (name in dates)
      return value !== null && !/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?$/.test(String(value));
    return false;
  });
  if (wrong.length === 0) return undefined;
  return invalid(
    'addition',
    wrong.map(([field]) => ({ code: 'UnsupportedFormat', message: `Unsupported format applied to ${field}`, field })),
  );
}
