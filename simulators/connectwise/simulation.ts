/**
 * ConnectWise PSA's REST API, as connectwise.md §7 asks for. There is evidence for paths, headers, paging, error bodies and
 * the PATCH dialect. The answers to a wrong quote or an unknown name in `fields` are assumed.
 */
import type { CreateSimulation, SimAnswer, SimRequest } from '../kit/simulator.ts';
import { makeWorld, type WorldAddition, type WorldAgreement, type WorldCompany } from '../world.ts';
import { failure, noEndpoint, notFound, type Row } from './answers.ts';
import { boards, priorities, statusesOf, typesOf } from './boards.ts';
import { read } from './conditions.ts';
import { createCollection } from './lists.ts';
import { clientId, company as companyId, members, type Level, type Member, type Module } from './members.ts';
import { createTickets } from './tickets.ts';

interface Write {
  n: number;
  method: string;
  agreementId: number;
  additionId: number;
  before: unknown;
  after: unknown;
  member: string;
}

const patchable = new Set([
  'quantity', 'lessIncluded', 'unitPrice', 'unitCost', 'billCustomer', 'effectiveDate', 'cancelledDate', 'description',
  'invoiceDescription', 'serialNumber', 'sequenceNumber', 'taxableFlag', 'product', 'customFields',
]); // prettier-ignore

export const createConnectwise: CreateSimulation = ({ seed, customers, record }) => {
  const world = makeWorld({ seed, customers });
  const settings: Record<string, unknown> = {
    /** Answers 404 to wrong credentials, as ConnectWise's cloud may (§3). */
    cloudAuth: false,
    /** Milliseconds by which lists lag behind writes; reads by id do not lag (§5.2). */
    searchLagMs: 0,
    /** Whether a PATCH accepts `/quantity` for `quantity` (unknown, §8). */
    leadingSlash: false,
    forwardOnly: true,
  };
  let codebase = 'v2026_1';
  const writes: Write[] = [];
  /** When and by whom a row was last changed, and what it was before; null = it did not exist. */
  const updated = new Map<number, { at: number; by: string; before: Row | null }>();
  let clock = 0;
  let nextAddition = 50_000_000;

  const agreements = new Map<number, { company: WorldCompany; agreement: WorldAgreement }>();
  for (const company of world.companies)
    for (const agreement of company.agreements) agreements.set(agreement.id, { company, agreement });
  const productById = new Map(world.products.map((product) => [product.id, product]));

  const info = (id: number) => {
    const change = updated.get(id);
    // ConnectWise's times have a resolution of a second; here a counter keeps two writes within one second apart.
    return {
      lastUpdated: change
        ? new Date(1_800_000_000_000 + change.at * 1000).toISOString().replace('.000', '')
        : '2024-01-05T00:00:00Z',
      updatedBy: change?.by ?? 'admin1',
    };
  };
  const midnight = (date: string | null) => (date === null ? undefined : `${date}T00:00:00Z`);

  const companyRow = (company: WorldCompany): Row => ({
    id: company.id,
    identifier: company.identifier,
    name: company.name,
    status: { id: company.status === 'Active' ? 1 : 2, name: company.status },
    types: [{ id: company.type === 'Client' ? 1 : 2, name: company.type }],
    deletedFlag: false,
    currency: { id: 7, name: 'US Dollars' },
    _info: info(company.id),
  });
  const productRow = (product: (typeof world.products)[number]): Row => ({
    id: product.id,
    identifier: product.identifier,
    description: product.description,
    inactiveFlag: product.inactive,
    productClass: product.productClass,
    price: product.price,
    cost: product.price / 2,
    recurringFlag: product.productClass === 'Agreement',
    _info: info(product.id),
  });
  const agreementRow = ({ company, agreement }: { company: WorldCompany; agreement: WorldAgreement }): Row => ({
    id: agreement.id,
    name: agreement.name,
    type: { id: 1, name: 'Managed Services' },
    company: { id: company.id, identifier: company.identifier, name: company.name },
    agreementStatus: agreement.status,
    cancelledFlag: agreement.status === 'Cancelled',
    startDate: midnight(agreement.startDate),
    noEndingDateFlag: true,
    billingCycle: { id: 2, name: agreement.billingCycle },
    nextInvoiceDate: midnight(agreement.nextInvoiceDate),
    prorateFlag: agreement.prorate ?? false,
    currency: { id: 7, currencyCode: 'USD', name: 'US Dollars' },
    _info: info(agreement.id),
  });
  const additionRow = (agreement: WorldAgreement, addition: WorldAddition): Row => {
    const product = productById.get(addition.productId);
    return {
      id: addition.id,
      product: { id: addition.productId, identifier: product?.identifier ?? '' },
      quantity: addition.quantity,
      lessIncluded: addition.lessIncluded,
      billedQuantity: Math.max(0, addition.quantity - addition.lessIncluded),
      unitPrice: addition.unitPrice,
      unitCost: addition.unitPrice / 2,
      billCustomer: addition.billCustomer,
      effectiveDate: midnight(addition.effectiveDate),
      cancelledDate: midnight(addition.cancelledDate),
      description: product?.description ?? '',
      agreementId: agreement.id,
      agreementStatus: agreement.status,
      _info: info(addition.id),
    };
  };

  /** A row as lists show it while they lag: its old state, or nothing if it was just created. */
  function lagging(row: Row): Row[] {
    const change = updated.get(Number(row['id']));
    const lag = Number(settings['searchLagMs']);
    if (!change || lag <= 0 || Date.now() - changedAt(change.at) >= lag) return [row];
    return change.before ? [{ ...row, ...change.before }] : [];
  }
  const times: number[] = [];
  const changedAt = (at: number) => times[at] ?? 0;

  const collection = createCollection(settings, lagging);

  function touch(id: number, before: Row | null, by: string): void {
    times[++clock] = Date.now();
    updated.set(id, { at: clock, by, before });
  }

  const tickets = createTickets({
    companies: () => world.companies,
    allowed,
    collection,
    touch,
    info,
    write(change, member) {
      const by = { ...change, by: member.publicKey };
      apply(by);
      record(by);
    },
  });

  function handle(request: SimRequest): SimAnswer {
    const result = route(request);
    return {
      ...result,
      headers: { 'api-current-version': '2025.16', 'x-cw-request-id': `sim-${seed}-${++clock}`, ...result.headers },
    };
  }

  function route(request: SimRequest): SimAnswer {
    const parts = request.path.split('/').filter(Boolean).map(decodeURIComponent);
    if (parts[0] === 'login' && parts[1] === 'companyinfo') {
      return {
        status: 200,
        body:
          parts[2] === companyId
            ? { CompanyName: world.reseller.name, Codebase: `${codebase}/`, CompanyID: companyId, IsCloud: true }
            : null,
      };
    }
    if ((parts[0] !== 'v4_6_release' && parts[0] !== codebase) || parts[1] !== 'apis' || parts[2] !== '3.0')
      return noEndpoint();
    const member = authenticate(request);
    if (!member)
      return settings['cloudAuth'] ? { status: 404, body: '' } : failure(401, 'Unauthorized', 'Authentication failed.');
    const [module, resource, idText, sub, subId] = parts.slice(3);
    switch (`${module ?? ''}/${resource ?? ''}`) {
      case 'system/info':
        return {
          status: 200,
          body: {
            version: 'v2026.1.12345',
            isCloud: true,
            serverTimeZone: 'Eastern Standard Time',
            cloudRegion: 'NA',
            licenseBits: [],
          },
        };
      case 'company/companies':
        return (
          allowed(member, 'company', 'inquire') ?? collection(request, idText, () => world.companies.map(companyRow))
        );
      case 'procurement/catalog':
        return (
          allowed(member, 'catalog', 'inquire') ?? collection(request, idText, () => world.products.map(productRow))
        );
      case 'service/info':
        // Ticket rights are enough for this reduced list; the boards themselves are a setup table (§4.5).
        if (idText !== 'boards') return noEndpoint();
        return allowed(member, 'tickets', 'inquire') ?? collection(request, sub, () => [...boards]);
      case 'service/boards':
        return allowed(member, 'tableSetup', 'inquire') ?? boardRoute(request, idText, sub, subId);
      case 'service/priorities':
        return allowed(member, 'tickets', 'inquire') ?? collection(request, idText, () => [...priorities]);
      case 'service/tickets':
        return tickets.route(request, member, [idText, sub, subId]);
      case 'finance/agreements':
        if (sub === 'additions') return additions(request, member, Number(idText), subId);
        return (
          allowed(member, 'agreements', 'inquire') ??
          collection(request, idText, () => [...agreements.values()].map(agreementRow))
        );
      default:
        return noEndpoint();
    }
  }

  function boardRoute(
    request: SimRequest,
    idText: string | undefined,
    sub: string | undefined,
    subId?: string,
  ): SimAnswer {
    if (sub === undefined) return collection(request, idText, () => [...boards]);
    const board = boards.find((candidate) => candidate['id'] === Number(idText));
    if (!board) return notFound();
    if (sub === 'statuses') return collection(request, subId, () => statusesOf(board));
    if (sub === 'types') return collection(request, subId, () => typesOf(board));
    return noEndpoint();
  }

  function authenticate(request: SimRequest): Member | undefined {
    if (request.headers['clientid'] !== clientId) return undefined;
    const given = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const text = Buffer.from(given, 'base64').toString('utf8');
    return Object.values(members).find((member) => text === `${companyId}+${member.publicKey}:${member.privateKey}`);
  }

  function allowed(member: Member, module: Module, level: Level): SimAnswer | undefined {
    if (!member.lacks.includes(`${module}.${level}`)) return undefined;
    return failure(403, 'Security', 'You do not have security permission to perform this action.');
  }

  function additions(request: SimRequest, member: Member, agreementId: number, idText: string | undefined): SimAnswer {
    const refused = allowed(member, 'agreements', levels[request.method] ?? 'edit');
    if (refused) return refused;
    const found = agreements.get(agreementId);
    if (!found) return notFound();
    const { agreement } = found;
    if (request.method === 'GET')
      return collection(request, idText, () => agreement.additions.map((addition) => additionRow(agreement, addition)));
    if (request.method === 'POST') return create(request, member, agreement);
    const addition = agreement.additions.find((candidate) => candidate.id === Number(idText));
    if (!addition) return notFound();
    if (request.method === 'DELETE') {
      write({ change: 'deleteAddition', agreementId, additionId: addition.id }, 'DELETE', agreement, addition, member);
      return { status: 204 };
    }
    if (request.method === 'PATCH') return patch(request, member, agreement, addition);
    if (request.method === 'PUT') return replace(request, member, agreement, addition);
    return failure(405, 'ConnectWiseApi', 'The method is not allowed.');
  }

  function create(request: SimRequest, member: Member, agreement: WorldAgreement): SimAnswer {
    const given = (request.body ?? {}) as Row;
    const productId = Number(read(given, 'product/id'));
    const missing = ['billCustomer'].filter((field) => given[field] === undefined);
    if (Number.isNaN(productId)) missing.unshift('product/id');
    if (missing.length > 0)
      return invalid(
        missing.map((field) => ({ code: 'MissingRequiredField', message: `The ${field} field is required.`, field })),
      );
    const product = productById.get(productId);
    if (!product) return invalid([{ code: 'NotFound', message: `Product ${productId} not found`, field: 'product' }]);
    if (product.productClass === 'Bundle')
      return failure(400, 'InvalidObject', 'Addition object is invalid - a bundle cannot be an addition');
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
    const made: WorldAddition = {
      id: nextAddition,
      productId,
      quantity: Number(given['quantity'] ?? 0),
      lessIncluded: Number(given['lessIncluded'] ?? 0),
      unitPrice: Number(given['unitPrice'] ?? product.price),
      billCustomer: given['billCustomer'] as WorldAddition['billCustomer'],
      effectiveDate: effectiveDate.slice(0, 10),
      cancelledDate: null,
    };
    write({ change: 'addAddition', agreementId: agreement.id, addition: made }, 'POST', agreement, made, member);
    return { status: 201, body: additionRow(agreement, made) };
  }

  /** Replaces all fields: a field that is left out gets its default (§5.1). */
  function replace(request: SimRequest, member: Member, agreement: WorldAgreement, addition: WorldAddition): SimAnswer {
    const given = (request.body ?? {}) as Row;
    if (given['billCustomer'] === undefined) {
      return invalid([
        { code: 'MissingRequiredField', message: 'The billCustomer field is required.', field: 'billCustomer' },
      ]);
    }
    const unsupported = wrongFields(given);
    if (unsupported) return unsupported;
    const day = (name: string) => (typeof given[name] === 'string' ? given[name].slice(0, 10) : null);
    const fields = {
      productId: Number(read(given, 'product/id') ?? addition.productId),
      quantity: given['quantity'] ?? 0,
      lessIncluded: given['lessIncluded'] ?? 0,
      unitPrice: given['unitPrice'] ?? 0,
      billCustomer: given['billCustomer'],
      effectiveDate: day('effectiveDate') ?? agreement.startDate,
      cancelledDate: day('cancelledDate'),
    };
    const change = { change: 'patchAddition', agreementId: agreement.id, additionId: addition.id, fields };
    write(change, 'PUT', agreement, addition, member);
    return { status: 200, body: additionRow(agreement, addition) };
  }

  function patch(request: SimRequest, member: Member, agreement: WorldAgreement, addition: WorldAddition): SimAnswer {
    if (!Array.isArray(request.body)) return failure(400, 'InvalidObject', 'A PATCH takes an array of operations.');
    const fields: Row = {};
    for (const operation of request.body as Row[]) {
      let path = String(operation['path'] ?? '');
      if (settings['leadingSlash']) path = path.replace(/^\//, '');
      // A sub-path is answered 200 without effect (§5.1).
      if (/^\w+\/\w/.test(path)) continue;
      if (!patchable.has(path) || !['add', 'replace', 'remove'].includes(String(operation['op']))) {
        return invalid([{ code: 'InvalidPath', message: `The path ${path} does not exist.`, field: path }]);
      }
      fields[path] = operation['op'] === 'remove' ? null : operation['value'];
    }
    const unsupported = wrongFields(fields);
    if (unsupported) return unsupported;
    // References are replaced as whole objects (§5.1).
    if ('product' in fields) fields['productId'] = Number(read(fields, 'product/id'));
    for (const name of ['effectiveDate', 'cancelledDate'])
      if (typeof fields[name] === 'string') fields[name] = fields[name].slice(0, 10);
    write(
      { change: 'patchAddition', agreementId: agreement.id, additionId: addition.id, fields },
      'PATCH',
      agreement,
      addition,
      member,
    );
    return { status: 200, body: additionRow(agreement, addition) };
  }

  /** Makes a change through the API: applies it, journals it, and keeps the row before and after. */
  function write(
    change: Row,
    method: string,
    agreement: WorldAgreement,
    addition: WorldAddition,
    member: Member,
  ): void {
    const before = method === 'POST' ? null : { ...addition };
    const by = { ...change, by: member.publicKey };
    apply(by);
    record(by);
    const after = agreement.additions.find((candidate) => candidate.id === addition.id) ?? null;
    writes.push({
      n: writes.length + 1,
      method,
      agreementId: agreement.id,
      additionId: addition.id,
      before,
      after: after ? { ...after } : null,
      member: member.publicKey,
    });
  }

  function apply(change: Row): unknown {
    const entry = agreements.get(Number(change['agreementId']));
    const addition = entry?.agreement.additions.find((candidate) => candidate.id === Number(change['additionId']));
    const touchAddition = (target: WorldAddition, isNew = false) => {
      const before = entry && !isNew ? additionRow(entry.agreement, target) : null;
      touch(target.id, before, String(change['by'] ?? 'someoneElse'));
    };
    switch (change['change']) {
      case 'patchAddition':
        if (!addition) return undefined;
        touchAddition(addition);
        Object.assign(addition, change['fields']);
        return addition;
      case 'setQuantity':
        if (!addition) return undefined;
        touchAddition(addition);
        addition.quantity = Number(change['quantity']);
        return addition;
      case 'addAddition': {
        const made = change['addition'] as WorldAddition;
        nextAddition = Math.max(nextAddition, made.id) + 1;
        touchAddition(made, true);
        entry?.agreement.additions.push({ ...made });
        return made;
      }
      case 'deleteAddition':
        if (entry && addition) entry.agreement.additions.splice(entry.agreement.additions.indexOf(addition), 1);
        return {};
      case 'setAgreement':
        if (entry) Object.assign(entry.agreement, change['fields']);
        return entry?.agreement;
      case 'moveNextInvoiceDate':
        if (entry) entry.agreement.nextInvoiceDate = String(change['date']);
        return entry?.agreement;
      case 'renameCompany': {
        const found = world.companies.find((company) => company.id === Number(change['companyId']));
        if (found) found.name = String(change['name']);
        return found;
      }
      case 'rotateCodebase':
        codebase = String(change['codebase']);
        return { codebase };
      default: {
        const done = tickets.apply(change);
        if (done === undefined) throw new Error(`The simulator knows no change "${String(change['change'])}".`);
        return done;
      }
    }
  }

  return {
    handle,
    apply,
    settings,
    state: () => ({
      codebase,
      companies: world.companies,
      products: world.products,
      writes,
      tickets: tickets.state(),
    }),
  };
};

const levels: Record<string, Level> = { GET: 'inquire', POST: 'add', DELETE: 'delete' };

/** Refuses fields of an addition in a form that ConnectWise does not accept; absent fields are fine. */
function wrongFields(given: Row): SimAnswer | undefined {
  const wrong = Object.entries(given).filter(([name, value]) => {
    if (['quantity', 'lessIncluded', 'unitPrice'].includes(name)) return typeof value !== 'number';
    if (name === 'billCustomer') return !['Billable', 'DoNotBill', 'NoCharge'].includes(String(value));
    // A time with an offset is refused, a time with Z is accepted (§3).
    if (name === 'effectiveDate' || name === 'cancelledDate')
      return value !== null && !/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?$/.test(String(value));
    return false;
  });
  if (wrong.length === 0) return undefined;
  return invalid(
    wrong.map(([field]) => ({ code: 'UnsupportedFormat', message: `Unsupported format applied to ${field}`, field })),
  );
}
const invalid = (errors: Row[]): SimAnswer => ({
  status: 400,
  body: {
    code: 'InvalidObject',
    message: 'addition object is invalid',
    errors: errors.map((error) => ({ resource: 'addition', ...error })),
  },
});
