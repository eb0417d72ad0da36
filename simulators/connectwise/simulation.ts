/**
 * ConnectWise PSA's REST API, as connectwise.md §7 asks for. There is evidence for paths, headers, paging, error bodies and
 * the PATCH dialect. The answers to a wrong quote or an unknown name in `fields` are assumed.
 */
import type { CreateSimulation, SimAnswer, SimRequest } from '../kit/simulator.ts';
import { makeWorld, type WorldLine, type WorldAgreement } from '../world.ts';
import { createAdditions } from './additions.ts';
import { allowed, failure, noEndpoint, notFound, readOnly, wrongMethod, type Row } from './answers.ts';
import { createBoards, priorities, statusesOf, subTypesOf, typesOf } from './boards.ts';
import { createCollection } from './lists.ts';
import { clientId, company as companyId, members, type Member, type Module } from './members.ts';
import { createRows, type Placed } from './rows.ts';
import {
  agreementTypes,
  companyStatuses,
  companyTypes,
  memberInfos,
  memberRows,
  securityRoles,
  settingsOf,
  serviceLocations,
  sources,
  teamsOf,
} from './setup.ts';
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

  const agreements = new Map<number, Placed>();
  for (const company of world.companies)
    for (const agreement of company.agreements) agreements.set(agreement.id, { company, agreement });

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
  const rows = createRows(world.products, info);

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

  const boards = createBoards();
  const tickets = createTickets({
    boards,
    companies: () => world.companies,
    collection,
    touch,
    info,
    write(change, member) {
      const by = { ...change, by: member.publicKey };
      apply(by);
      record(by);
    },
  });

  const additions = createAdditions({
    settings,
    products: world.products,
    agreement: (id) => agreements.get(id)?.agreement,
    collection,
    row: rows.addition,
    nextId: () => nextAddition,
    write,
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
    const [module = '', resource = '', ...tail] = parts.slice(3);
    const of = (needed: Module, path: readonly string[], all: () => Row[]) =>
      readOnly(request, { member, module: needed }, path, (idText) => collection(request, idText, all));
    const [first = '', ...rest] = tail;
    switch (`${module}/${resource}`) {
      case 'system/info':
        // The lighter list of members needs no right of its own (§4.7).
        if (first === 'members')
          return request.method === 'GET' ? of('company', rest, () => memberInfos) : wrongMethod();
        return tail.length > 0
          ? noEndpoint()
          : request.method === 'GET'
            ? { status: 200, body: systemInfo }
            : wrongMethod();
      case 'system/members':
        return of('system', tail, () => memberRows);
      case 'system/securityRoles':
        return securityRoleRoute(request, member, tail);
      case 'company/companies':
        if (first === 'statuses') return of('tableSetup', rest, () => companyStatuses);
        if (first === 'types') return of('tableSetup', rest, () => companyTypes);
        return of('company', tail, () => world.companies.map(rows.company));
      case 'procurement/catalog':
        return of('catalog', tail, () => world.products.map(rows.product));
      case 'service/info':
        // Ticket rights are enough for this reduced list; the boards themselves are a setup table (§4.5).
        return first === 'boards' ? of('tickets', rest, () => [...boards]) : noEndpoint();
      case 'service/boards':
        return boardRoute(request, member, tail);
      case 'service/priorities':
        return of('tickets', tail, () => [...priorities]);
      case 'service/sources':
        return of('tableSetup', tail, () => sources);
      case 'service/locations':
        return of('tableSetup', tail, () => serviceLocations);
      case 'service/tickets':
        return tickets.route(request, member, tail);
      case 'finance/agreements':
        if (first === 'types') return of('tableSetup', rest, () => agreementTypes);
        if (rest[0] === 'additions') return additions(request, member, Number(first), rest.slice(1));
        return of('agreements', tail, () => [...agreements.values()].map(rows.agreement));
      default:
        return noEndpoint();
    }
  }

  function boardRoute(request: SimRequest, member: Member, [boardId, sub, ...tail]: readonly string[]): SimAnswer {
    const of = (path: readonly (string | undefined)[], all: () => Row[]) =>
      readOnly(request, { member, module: 'tableSetup' }, path, (idText) => collection(request, idText, all));
    if (sub === undefined) return of([boardId], () => [...boards]);
    const partsOf = { statuses: statusesOf, types: typesOf, subtypes: subTypesOf, teams: teamsOf };
    if (!Object.hasOwn(partsOf, sub)) return noEndpoint();
    const refused = allowed(member, 'tableSetup', 'inquire');
    const board = boards.find((candidate) => candidate['id'] === Number(boardId));
    return refused ?? (board ? of(tail, () => partsOf[sub as keyof typeof partsOf](board)) : notFound());
  }

  function securityRoleRoute(
    request: SimRequest,
    member: Member,
    [roleId, sub, ...tail]: readonly string[],
  ): SimAnswer {
    const of = (path: readonly (string | undefined)[], all: () => Row[]) =>
      readOnly(request, { member, module: 'system' }, path, (idText) => collection(request, idText, all));
    if (sub === undefined) return of([roleId], () => securityRoles);
    if (sub !== 'settings') return noEndpoint();
    const refused = allowed(member, 'system', 'inquire');
    const found = settingsOf(Number(roleId));
    return refused ?? (found ? of(tail, () => found) : notFound());
  }

  function authenticate(request: SimRequest): Member | undefined {
    if (request.headers['clientid'] !== clientId) return undefined;
    const given = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const text = Buffer.from(given, 'base64').toString('utf8');
    return Object.values(members).find((member) => text === `${companyId}+${member.publicKey}:${member.privateKey}`);
  }

  /** Makes a change through the API: applies it, journals it, and keeps the row before and after. */
  function write(change: Row, method: string, agreement: WorldAgreement, addition: WorldLine, member: Member): void {
    const before = method === 'POST' ? null : { ...addition };
    const by = { ...change, by: member.publicKey };
    apply(by);
    record(by);
    const after = agreement.lines.find((candidate) => candidate.id === addition.id) ?? null;
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
    const addition = entry?.agreement.lines.find((candidate) => candidate.id === Number(change['lineId']));
    const touchAddition = (target: WorldLine, isNew = false) => {
      const before = entry && !isNew ? rows.addition(entry.agreement, target) : null;
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
      case 'addLine': {
        const made = change['line'] as WorldLine;
        nextAddition = Math.max(nextAddition, made.id) + 1;
        touchAddition(made, true);
        entry?.agreement.lines.push({ ...made });
        return made;
      }
      case 'removeLine':
        if (entry && addition) entry.agreement.lines.splice(entry.agreement.lines.indexOf(addition), 1);
        return {};
      case 'deleteAgreement':
        if (entry) entry.company.agreements.splice(entry.company.agreements.indexOf(entry.agreement), 1);
        agreements.delete(Number(change['agreementId']));
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
    invalidJson: failure(400, 'InvalidJson', 'The body is not valid JSON.'),
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

const systemInfo = {
  version: 'v2026.1.12345',
  isCloud: true,
  serverTimeZone: 'Eastern Standard Time',
  cloudRegion: 'NA',
  licenseBits: [],
};
