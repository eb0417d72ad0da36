/**
 * The positions of contracts: what they hold on a day, and the changes that are posted to them. A change says by how much and
 * from which day on, is a whole number, cannot be taken back, and counts twice when it is posted twice.
 */
import type { SimAnswer, SimRequest } from '../../../../simulators/kit/simulator.ts';
import type { WorldLine, WorldAgreement, WorldCompany } from '../../../../simulators/world.ts';
import { gone, objectOf, page, refused, type Row } from './answers.ts';

interface Change {
  no: number;
  position: number;
  /** YYYY-MM-DD */
  day: string;
  by: number;
  note: string;
  /** When it was posted, in epoch milliseconds. */
  at: number;
}

export interface Contract {
  company: WorldCompany;
  agreement: WorldAgreement;
}

/** The most contracts that one list of positions may name. */
const largestList = 10;

export function createPositions(host: {
  settings: Readonly<Row>;
  contracts: ReadonlyMap<number, Contract>;
  /** Makes a change of data: applies and journals it. */
  write(change: Row): unknown;
}) {
  const { contracts, settings } = host;
  const changes: Change[] = [];
  let nextChange = 1;

  const isCounted = (no: number) => (settings['counted'] as number[]).includes(no);
  const sum = (of: readonly Change[]) => of.reduce((total, { by }) => total + by, 0);
  const changesOf = (position: number) => changes.filter((change) => change.position === position);
  /** What a position holds in truth, with every change that was posted. */
  const heldBy = (position: WorldLine) => position.quantity + sum(changesOf(position.id));

  function find(no: number): { contract: Contract; position: WorldLine } | undefined {
    for (const contract of contracts.values()) {
      const position = contract.agreement.lines.find((candidate) => candidate.id === no);
      if (position) return { contract, position };
    }
    return undefined;
  }

  /** @param day YYYY-MM-DD: a change that begins later does not count; absent = all count */
  function row(contract: Contract, position: WorldLine, day: string | null): Row {
    const lag = Number(settings['readLagMs']);
    const counted = changesOf(position.id).filter(
      (change) => (day === null || change.day <= day) && Date.now() - change.at >= lag,
    );
    return {
      no: position.id,
      contract: contract.agreement.id,
      item: position.productId,
      text: position.description ?? null,
      units: position.quantity + sum(counted),
      each: position.unitPrice,
      charged: position.billing === 'billed',
      from: position.from,
      to: position.until,
      prorated: contract.agreement.prorate ?? true,
      counted: isCounted(position.id),
    };
  }

  function list(request: SimRequest): SimAnswer {
    const wanted = (request.query.get('contracts') ?? '').split(',').filter(Boolean).map(Number);
    if (wanted.length === 0 || wanted.length > largestList) return refused(`Name 1 to ${largestList} contracts.`);
    const found = wanted.map((no) => contracts.get(no));
    const missing = wanted.find((_no, at) => !found[at]);
    if (missing !== undefined) return gone(`contract ${missing}`);
    const rows = found.flatMap((contract) =>
      contract ? contract.agreement.lines.map((each) => row(contract, each, request.query.get('day'))) : [],
    );
    return page(rows, request);
  }

  function post(request: SimRequest): SimAnswer {
    const { position: no, by, day, note = '' } = objectOf(request);
    const found = find(Number(no));
    if (!found) return gone(`position ${String(no)}`);
    const { nextInvoiceDate } = found.contract.agreement;
    if (typeof by !== 'number' || !Number.isInteger(by) || by === 0)
      return refused('"by" is a whole number that is not 0.');
    if (isCounted(found.position.id)) return refused('Deltadesk counts this position itself.');
    if (typeof day !== 'string' || !/^\d{4}-\d{2}-01$/.test(day))
      return refused('"day" is not the first day of a period.');
    if (day < nextInvoiceDate) return refused(`Everything before ${nextInvoiceDate} is billed.`);
    if (heldBy(found.position) + by < 0) return refused('A position cannot hold less than nothing.');
    const made = { no: nextChange, position: found.position.id, day, by, note };
    host.write({ change: 'postChange', ...made, at: Date.now() });
    return { status: 201, body: { no: made.no } };
  }

  return {
    /** Answers `/v2/positions` and `/v2/positions/{no}`. */
    read(request: SimRequest, no: string | undefined): SimAnswer {
      if (no === undefined) return list(request);
      const found = find(Number(no));
      if (!found) return gone(`position ${no}`);
      return { status: 200, body: row(found.contract, found.position, request.query.get('day')) };
    },
    post,
    heldBy,
    changes: () => changes,
    /** Applies a change of data. @returns undefined for one that is not about positions */
    apply(change: Row): unknown {
      const contract = contracts.get(Number(change['agreementId']));
      const position = contract?.agreement.lines.find((each) => each.id === Number(change['lineId']));
      switch (change['change']) {
        case 'postChange': {
          const { position: of, day, by, note, at } = change as unknown as Change;
          changes.push({ no: nextChange++, position: of, day, by, note, at });
          return changes.at(-1);
        }
        case 'setQuantity':
          // Somebody else's change, in force at once for the period that is billed next.
          if (!contract || !position) return {};
          changes.push({
            no: nextChange++,
            position: position.id,
            day: contract.agreement.nextInvoiceDate,
            by: Number(change['quantity']) - heldBy(position),
            note: 'by hand',
            at: 0,
          });
          return position;
        case 'addLine': {
          const made = change['line'] as WorldLine;
          contract?.agreement.lines.push({ ...made });
          return made;
        }
        case 'removeLine':
          if (contract && position) contract.agreement.lines.splice(contract.agreement.lines.indexOf(position), 1);
          return {};
        default:
          return undefined;
      }
    },
  };
}
