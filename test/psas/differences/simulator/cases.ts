/** The cases of the simulated Deltadesk. A case has no field for a reference: what has to be found again stands in its story. */
import type { SimAnswer, SimRequest } from '../../../../simulators/kit/simulator.ts';
import type { WorldCompany } from '../../../../simulators/world.ts';
import { gone, objectOf, page, refused, unknownAddress, type Row } from './answers.ts';

export const queues: readonly Row[] = [
  { no: 11, title: 'Help', retired: false },
  { no: 12, title: 'Alerts', retired: false },
  { no: 13, title: 'Before the move', retired: true },
];
/** Stages hang on no queue. */
export const stages: readonly Row[] = [
  { no: 1, title: 'Arrived', ends: false, usual: true },
  { no: 2, title: 'At work', ends: false, usual: false },
  { no: 3, title: 'Over', ends: true, usual: false },
];
export const urgencies: readonly Row[] = ['At once', 'Today', 'This week', 'Some day'].map((title, at) => ({
  no: at + 1,
  title,
  rank: at + 1,
  usual: at === 2,
}));
/** Kinds hang on no queue either. */
export const kinds: readonly Row[] = [
  { no: 51, title: 'Request', retired: false },
  { no: 52, title: 'Disturbance', retired: false },
  { no: 53, title: 'Complaint', retired: true },
];
const allPlaces: readonly Row[] = [
  { no: 61, title: 'At the client' },
  { no: 62, title: 'From afar' },
];
const origins = ['program', 'mail', 'phone'];
const longestHeadline = 80;

interface Case extends Row {
  no: number;
  client: number;
  queue: number;
  headline: string;
  story: string;
  stage: number;
  urgency: number;
  kind: number | null;
  origin: string;
  place: number | null;
  due: string | null;
  at: number;
}

interface Entry extends Row {
  no: number;
  case: number;
  text: string;
}

export function createCases(host: {
  settings: Readonly<Row>;
  companies: readonly WorldCompany[];
  /** Makes a change of data: applies and journals it. */
  write(change: Row): unknown;
}) {
  const cases: Case[] = [];
  const entries: Entry[] = [];
  const places = () => allPlaces.filter(({ no }) => !(host.settings['removedPlaces'] as unknown[]).includes(no));
  const find = (no: string | undefined) => cases.find((each) => each.no === Number(no));

  function search(request: SimRequest): SimAnswer {
    const words = request.query.get('words') ?? '';
    const lag = Number(host.settings['searchLagMs']);
    return page(
      cases.filter(({ story, at }) => story.includes(words) && Date.now() - at >= lag),
      request,
    );
  }

  function open(request: SimRequest): SimAnswer {
    const given = objectOf(request);
    const {
      headline,
      story,
      stage = 1,
      urgency = 3,
      kind = null,
      origin = 'program',
      place = null,
      due = null,
    } = given;
    const client = host.companies.find((company) => company.id === given['client']);
    const queue = queues.find((each) => each['no'] === given['queue']);
    if (!client) return gone(`client ${String(given['client'])}`);
    if (!queue || queue['retired']) return refused('This queue takes no cases.');
    if (!stages.some(({ no }) => no === stage)) return gone(`stage ${String(stage)}`);
    if (!urgencies.some(({ no }) => no === urgency)) return gone(`urgency ${String(urgency)}`);
    if (kind !== null && !kinds.some(({ no, retired }) => no === kind && !retired)) return gone(`kind ${String(kind)}`);
    if (!origins.includes(String(origin))) return refused(`An origin is one of ${origins.join(', ')}.`);
    if (place !== null && !places().some(({ no }) => no === place)) return gone(`place ${String(place)}`);
    if (typeof headline !== 'string' || headline === '' || headline.length > longestHeadline)
      return refused(`A headline has 1 to ${longestHeadline} characters.`);
    const filed = { headline, story, stage, urgency, kind, origin, place, due };
    const made = { no: 70_001 + cases.length, client: client.id, queue: queue['no'], ...filed };
    host.write({ change: 'openCase', case: { ...made, at: Date.now() } });
    return { status: 201, body: find(String(made.no)) };
  }

  function route(request: SimRequest, [no, sub, ...more]: readonly (string | undefined)[]): SimAnswer {
    if (more.length > 0) return unknownAddress();
    const at = `${request.method} ${no === undefined ? '' : '/no'}${sub === undefined ? '' : `/${sub}`}`;
    const found = find(no);
    if (no !== undefined && !found) return gone(`case ${no}`);
    switch (at) {
      case 'GET ':
        return search(request);
      case 'POST ':
        return open(request);
      case 'GET /no':
        return { status: 200, body: found };
      case 'GET /no/entries':
        return page(
          entries.filter((entry) => entry.case === found?.no),
          request,
        );
      case 'POST /no/entries': {
        const text = objectOf(request)['text'];
        if (typeof text !== 'string' || text === '') return refused('An entry has a text.');
        const made = { no: 80_001 + entries.length, case: found?.no, text };
        host.write({ change: 'addEntry', entry: made });
        return { status: 201, body: made };
      }
      case 'PUT /no/stage': {
        const stage = objectOf(request)['stage'];
        if (!stages.some((each) => each['no'] === stage)) return gone(`stage ${String(stage)}`);
        host.write({ change: 'setStage', case: found?.no, stage });
        return { status: 200, body: find(no) };
      }
      default:
        return unknownAddress();
    }
  }

  const named = (rows: readonly Row[], no: number) => {
    const title = rows.find((row) => row['no'] === no)?.['title'];
    return { id: no, name: title };
  };

  return {
    route,
    places,
    /** Applies a change of data. @returns undefined for one that is not about cases */
    apply(change: Row): unknown {
      switch (change['change']) {
        case 'openCase':
          cases.push(change['case'] as Case);
          return {};
        case 'addEntry':
          entries.push(change['entry'] as Entry);
          return {};
        case 'setStage': {
          const found = find(String(change['case']));
          if (found) found.stage = Number(change['stage']);
          return {};
        }
        default:
          return undefined;
      }
    },
    /** The cases as the tests read tickets of any PSA. */
    state: () =>
      cases.map((each) => ({
        id: each.no,
        summary: each.headline,
        reference: each.story,
        company: { id: each.client },
        board: named(queues, each.queue),
        status: named(stages, each.stage),
        type: each.kind === null ? null : named(kinds, each.kind),
        origin: each.origin,
        place: each.place === null ? null : named(allPlaces, each.place),
        due: each.due,
        priority: named(urgencies, each.urgency),
        closed: stages.some(({ no, ends }) => no === each.stage && ends),
        notes: [{ text: each.story }, ...entries.filter((entry) => entry.case === each.no)],
      })),
  };
}
