/**
 * Deltadesk, a PSA that does not exist: everything is as unlike ConnectWise as the port allows. Signing in is a form, and a token
 * holds for 30 seconds; programs live in zones with an address each; business faults come with status 500; quantities are whole and written as dated differences; whoever sees
 * less gets fewer rows and no error; its search lags. It shares no code with its connector.
 */
import { randomUUID } from 'node:crypto';
import type { CreateSimulation, SimAnswer, SimRequest } from '../../../../simulators/kit/simulator.ts';
import { makeWorld } from '../../../../simulators/world.ts';
import { fault, gone, page, unknownAddress, type Row } from './answers.ts';
import { createCases, kinds, queues, stages, urgencies } from './cases.ts';
import { createPositions, type Contract } from './positions.ts';
import { users, type Area, type Right, type User } from './users.ts';

export const createDifferences: CreateSimulation = ({ seed, customers, record }) => {
  const world = makeWorld({ seed, customers });
  const settings: Record<string, unknown> = {
    /** Milliseconds for which a token holds. */
    tokenMs: 30_000,
    /** Milliseconds by which the search of cases lags behind. */
    searchLagMs: 0,
    /** Milliseconds by which what a position holds lags behind the changes that were posted. */
    readLagMs: 0,
    /** How many clients the API's user sees; null = all. The others are left out without a word. */
    sees: null,
    /** The address that serves the zone of every program; null = this one. */
    zone: null,
    /** Numbers of places that somebody has removed from the list. */
    removedPlaces: [],
    /** Numbers of positions that Deltadesk counts itself. */
    counted: [],
  };
  const contracts = new Map<number, Contract>();
  for (const company of world.companies)
    for (const agreement of company.agreements) contracts.set(agreement.id, { company, agreement });
  /** Who has signed in with a token, and until when it holds. */
  const tokens = new Map<string, { user: User; until: number }>();

  const write = (change: Row) => {
    const done = apply(change);
    record(change);
    return done;
  };
  const positions = createPositions({ settings, contracts, write });
  const cases = createCases({ settings, companies: world.companies, write });

  function signIn({ form }: SimRequest): SimAnswer {
    const user = Object.values(users).find(
      ({ key, secret }) => key === form?.get('key') && secret === form.get('secret'),
    );
    if (!user || form?.get('grant') !== 'key') return fault('SIGN_IN', 'Key and secret do not fit.');
    const token = randomUUID();
    const holdsMs = Number(settings['tokenMs']);
    tokens.set(token, { user, until: Date.now() + holdsMs });
    return { status: 200, body: { token, holdsForSeconds: holdsMs / 1000 } };
  }

  /** Says, without signing in, which address serves the zone of a program. */
  function zoneOf({ query }: SimRequest): SimAnswer {
    const known = Object.values(users).some(({ key }) => key === query.get('key'));
    return known ? { status: 200, body: { site: settings['zone'] } } : gone('program with this key');
  }

  function userOf({ headers }: SimRequest): User | undefined {
    const found = tokens.get(/^Token (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    return found && found.until > Date.now() ? found.user : undefined;
  }

  /** The companies of the world that the user sees. */
  const seen = () => (settings['sees'] === null ? world.companies : world.companies.slice(0, Number(settings['sees'])));

  const clientRow = ({ id, identifier, name, type, status }: (typeof world.companies)[number]): Row => ({
    no: id,
    code: identifier,
    title: name,
    live: status === 'Active',
    stage: type === 'Prospect' ? 'lead' : 'customer',
  });
  const itemRow = ({ id, identifier, description, kind, inactive }: (typeof world.products)[number]): Row => ({
    no: id,
    code: identifier,
    title: description,
    sold: !inactive,
    form: { bundle: 'package', subscription: 'subscription', work: 'hours' }[kind],
  });
  const contractRow = ({ company, agreement }: Contract): Row => ({
    no: agreement.id,
    client: company.id,
    title: agreement.name,
    state: { Active: 'running', Cancelled: 'cancelled', Expired: 'over', Inactive: 'stopped' }[agreement.status],
    every: { Monthly: 'month', None: 'never' }[agreement.billingCycle] ?? 'year',
    unbilledFrom: agreement.nextInvoiceDate,
    begins: agreement.startDate,
    currency: 'USD',
  });

  function handle(request: SimRequest): SimAnswer {
    const [version, first = '', second, ...rest] = request.path.split('/').filter(Boolean).map(decodeURIComponent);
    const { method } = request;
    if (version !== 'v2') return unknownAddress();
    if (first === 'sign-in') return method === 'POST' ? signIn(request) : unknownAddress();
    if (first === 'zone') return method === 'GET' ? zoneOf(request) : unknownAddress();
    const user = userOf(request);
    if (!user) return { status: 401, body: { fault: { code: 'TOKEN', text: 'The token does not hold.' } } };
    const may = (area: Area, right: Right) => !user.lacks.includes(`${area}.${right}`);
    /** Answers a list that can only be seen. */
    const shown = (area: Area, rows: () => readonly Row[]) => {
      if (method !== 'GET' || second !== undefined) return unknownAddress();
      return may(area, 'see') ? page(rows(), request) : fault('NO_RIGHT', `You may not see ${area}.`);
    };
    const guarded = (area: Area, right: Right, answer: () => SimAnswer) =>
      may(area, right) ? answer() : fault('NO_RIGHT', `You may not ${right} ${area}.`);
    switch (first) {
      case 'me':
        return { status: 200, body: { version: '4.2', lacks: user.lacks } };
      case 'clients':
        return shown('clients', () => seen().map(clientRow));
      case 'items':
        return shown('items', () => world.products.map(itemRow));
      case 'queues':
        return shown('queues', () => queues);
      case 'stages':
        return shown('queues', () => stages);
      case 'kinds':
        return shown('queues', () => kinds);
      case 'places':
        return shown('queues', cases.places);
      case 'urgencies':
        return shown('cases', () => urgencies);
      case 'contracts':
        if (second === undefined)
          return shown('contracts', () =>
            [...contracts.values()].filter(({ company }) => seen().includes(company)).map(contractRow),
          );
        return guarded('contracts', 'see', () => {
          const found = contracts.get(Number(second));
          return found ? { status: 200, body: contractRow(found) } : gone(`contract ${second}`);
        });
      case 'positions':
        if (method !== 'GET' || rest.length > 0) return unknownAddress();
        return guarded('positions', 'see', () => positions.read(request, second));
      case 'changes':
        // What was changed cannot be read, altered or taken back.
        if (method !== 'POST' || second !== undefined) return unknownAddress();
        return guarded('positions', 'change', () => positions.post(request));
      case 'cases':
        return guarded('cases', method === 'GET' ? 'see' : 'change', () =>
          cases.route(request, [second, ...rest].slice(0, second === undefined ? 0 : undefined)),
        );
      default:
        return unknownAddress();
    }
  }

  function apply(change: Row): unknown {
    const contract = contracts.get(Number(change['agreementId']));
    switch (change['change']) {
      case 'setAgreement':
        if (contract) Object.assign(contract.agreement, change['fields']);
        return contract?.agreement ?? {};
      case 'moveNextInvoiceDate':
        if (contract) contract.agreement.nextInvoiceDate = String(change['date']);
        return contract?.agreement ?? {};
      case 'deleteAgreement':
        if (contract) contract.company.agreements.splice(contract.company.agreements.indexOf(contract.agreement), 1);
        contracts.delete(Number(change['agreementId']));
        return {};
      case 'renameCompany': {
        const found = world.companies.find((company) => company.id === Number(change['companyId']));
        if (found) found.name = String(change['name']);
        return found ?? {};
      }
      default: {
        const done = positions.apply(change) ?? cases.apply(change);
        if (done === undefined) throw new Error(`The simulator knows no change "${String(change['change'])}".`);
        return done;
      }
    }
  }

  return {
    handle,
    invalidJson: fault('REFUSED', 'The body is not JSON.'),
    apply,
    settings,
    state: () => ({
      companies: world.companies.map((company) => ({
        ...company,
        agreements: company.agreements.map((agreement) => ({
          ...agreement,
          lines: agreement.lines.map((each) => ({ ...each, quantity: positions.heldBy(each) })),
        })),
      })),
      products: world.products,
      changes: positions.changes(),
      tickets: cases.state(),
    }),
  };
};
