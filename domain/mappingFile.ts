/** Mappings as a CSV file that a spreadsheet opens: written, read back, and held against what is mapped now. Pure. */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { roundings, type Rounding } from './quantities.ts';
import { fanOuts, whyNotProduct, type FanOut, type PsaProduct, type ServiceMapping } from './serviceMapping.ts';

export interface MappedAccount {
  id: string;
  name: string;
  excluded: boolean;
  psaAccountId: string | null;
  /** Who mapped it. */
  how: 'exact' | 'person' | 'vendor' | null;
}

export interface MappedService {
  id: string;
  name: string;
  /** The PSA's ids; null = not mapped. */
  productIds: string[] | null;
  fanOut: FanOut | null;
  rounding: Rounding | null;
}

/** What is mapped, and what may be mapped to. */
export interface Mappings {
  /** Linked vendor accounts. */
  accounts: readonly MappedAccount[];
  services: readonly MappedService[];
  psaAccounts: readonly { id: string; name: string }[];
  products: readonly PsaProduct[];
}

interface Change {
  /** The line of the file, from 1. */
  line: number;
  id: string;
  name: string;
}
export interface AccountChange extends Change {
  kind: 'account';
  before: MappedAccount;
  excluded: boolean;
  psaAccountId: string | null;
}
export interface ServiceChange extends Change {
  kind: 'service';
  before: MappedService;
  /** null = its mapping is taken back. */
  mapping: ServiceMapping | null;
}

/** What a file would change. With an error in it nothing is to be changed. */
export interface MappingPlan {
  changes: (AccountChange | ServiceChange)[];
  unchanged: number;
  errors: { line: number; message: string }[];
}

const columns = ['kind', 'id', 'name', 'mappedTo', 'mappedToName', 'excluded', 'fanOut', 'rounding'] as const;
const neededColumns = ['kind', 'id', 'mappedTo'];
type Row = Partial<Record<(typeof columns)[number], string>>;

/** @returns the file: a line per linked vendor account and per service; ids of several products with a space between */
export function writeMappings({ accounts, services, psaAccounts, products }: Mappings): string {
  const names = new Map(psaAccounts.map(({ id, name }) => [id, name]));
  const productNames = new Map(products.map(({ id, productId }) => [id, productId]));
  const rows: Row[] = [
    ...accounts.map((account) => ({
      kind: 'account',
      id: account.id,
      name: account.name,
      mappedTo: account.psaAccountId ?? '',
      mappedToName: names.get(account.psaAccountId ?? '') ?? '',
      excluded: account.excluded ? 'yes' : 'no',
    })),
    ...services.map((service) => ({
      kind: 'service',
      id: service.id,
      name: service.name,
      mappedTo: (service.productIds ?? []).join(' '),
      mappedToName: (service.productIds ?? []).map((id) => productNames.get(id) ?? '').join(' '),
      fanOut: service.fanOut ?? '',
      rounding: service.rounding ?? '',
    })),
  ];
  return stringify(
    rows.map((row) => columns.map((column) => neutral(row[column] ?? ''))),
    { header: true, columns: [...columns] },
  );
}

/**
 * Reads a file and says what it would change. Lines that it does not have change nothing; an empty `mappedTo` takes a
 * mapping back.
 *
 * @param text with a header line; columns in any order, separated by commas, semicolons or tabs (spreadsheets of some
 * countries write semicolons)
 */
export function planMappings(text: string, now: Mappings): MappingPlan {
  const plan: MappingPlan = { changes: [], unchanged: 0, errors: [] };
  const rows = read(text, plan.errors);
  const accounts = new Map(now.accounts.map((account) => [account.id, account]));
  const services = new Map(now.services.map((service) => [service.id, service]));
  const psaAccounts = new Set(now.psaAccounts.map(({ id }) => id));
  const products = new Map(now.products.map((product) => [product.id, product]));
  const seen = new Map<string, number>();

  for (const { row, line } of rows) {
    const before = seen.get(`${row.kind} ${row.id}`);
    seen.set(`${row.kind} ${row.id}`, line);
    try {
      if (before !== undefined) throw new Error(`Line ${before} is about the same ${row.kind} ${row.id}.`);
      const change = changeOf(row, line);
      if (change) plan.changes.push(change);
      else plan.unchanged++;
    } catch (error) {
      plan.errors.push({ line, message: (error as Error).message });
    }
  }
  return plan;

  function changeOf(row: Row, line: number): AccountChange | ServiceChange | undefined {
    // Empty takes a mapping back; what was cut off is no word of it.
    if (row.mappedTo === undefined) throw new Error('The line ends before mappedTo. Leave the cell empty to unmap.');
    switch (row.kind) {
      case 'account':
        return accountChange(row, line);
      case 'service':
        return serviceChange(row, line);
      default:
        throw new Error(`"${row.kind}" is no kind: write account or service.`);
    }
  }

  function accountChange(row: Row, line: number): AccountChange | undefined {
    const before = accounts.get(row.id ?? '');
    if (!before) throw new Error(`There is no linked customer with the id "${row.id}". Link it first.`);
    const psaAccountId = row.mappedTo || null;
    const excluded = yesOrNo(row.excluded) ?? before.excluded;
    if (excluded && psaAccountId !== null)
      throw new Error('It is excluded and mapped at once: empty mappedTo, or write no under excluded.');
    if (psaAccountId !== null && !psaAccounts.has(psaAccountId))
      throw new Error(`The PSA has no account with the id "${psaAccountId}", or it was not read yet.`);
    if (excluded === before.excluded && psaAccountId === before.psaAccountId) return undefined;
    return { kind: 'account', line, id: before.id, name: before.name, before, excluded, psaAccountId };
  }

  function serviceChange(row: Row, line: number): ServiceChange | undefined {
    const before = services.get(row.id ?? '');
    if (!before) throw new Error(`There is no service with the id "${row.id}".`);
    const productIds = [...new Set((row.mappedTo ?? '').split(/\s+/).filter(Boolean))];
    for (const id of productIds) {
      const refused = whyNotProduct(id, products.get(id));
      if (refused) throw new Error(refused.detail);
    }
    const mapping =
      productIds.length === 0
        ? null
        : {
            productIds,
            fanOut: oneOf(fanOuts, row.fanOut, 'fanOut') ?? before.fanOut ?? 'parts',
            rounding: oneOf(roundings, row.rounding, 'rounding') ?? before.rounding ?? 'none',
          };
    if (JSON.stringify(mapping) === JSON.stringify(mappingOf(before))) return undefined;
    return { kind: 'service', line, id: before.id, name: before.name, before, mapping };
  }
}

/** What a service is mapped to; null = nothing. */
export function mappingOf({
  productIds,
  fanOut,
  rounding,
}: Pick<MappedService, 'productIds' | 'fanOut' | 'rounding'>): ServiceMapping | null {
  return productIds && fanOut && rounding ? { productIds, fanOut, rounding } : null;
}

/** What was and what will be, for a person. */
export function wordsOf(change: AccountChange | ServiceChange, now: Mappings): { before: string; after: string } {
  if (change.kind === 'account') {
    const words = (state: { excluded: boolean; psaAccountId: string | null }) =>
      accountWords(state, now.psaAccounts.find(({ id }) => id === state.psaAccountId)?.name);
    return { before: words(change.before), after: words(change) };
  }
  const words = (mapping: ServiceMapping | null) => serviceWords(mapping, now.products);
  return { before: words(mappingOf(change.before)), after: words(change.mapping) };
}

/** What is decided about a vendor account, as in "It is …". @param name of the PSA account; undefined = it is gone */
export function accountWords(
  { excluded, psaAccountId }: { excluded: boolean; psaAccountId: string | null },
  name: string | undefined,
): string {
  if (excluded) return 'excluded';
  return psaAccountId === null ? 'not mapped' : `mapped to ${name ?? 'an account that is gone'} (${psaAccountId})`;
}

/** What is decided about a service, as in "It is …". */
export function serviceWords(mapping: ServiceMapping | null, products: Mappings['products']): string {
  if (!mapping) return 'not mapped';
  const names = mapping.productIds.map((id) => products.find((each) => each.id === id)?.productId ?? id);
  return `mapped to ${names.join(', ')} (${mapping.fanOut}, rounding ${mapping.rounding})`;
}

function read(text: string, errors: MappingPlan['errors']): { row: Row; line: number }[] {
  const delimiter = /^\uFEFF?"?\w+"?([,;\t])/.exec(text)?.[1];
  if (delimiter === undefined) {
    errors.push({
      line: 1,
      message: `The first line is no header: it must name the columns ${neededColumns.join(', ')}.`,
    });
    return [];
  }
  let header: string[] = [];
  try {
    const parsed = parse<{ record: Record<string, string>; info: { lines: number } }>(text, {
      bom: true,
      delimiter,
      columns: (names) => (header = names),
      info: true,
      relax_column_count_less: true,
      // A spreadsheet's empty rows are separators alone.
      skip_records_with_empty_values: true,
      trim: true,
    });
    const missing = neededColumns.filter((column) => !header.includes(column));
    if (missing.length > 0) {
      errors.push({ line: 1, message: `The header lacks ${missing.join(', ')}.` });
      return [];
    }
    return parsed.map(({ record, info }) => ({
      line: info.lines,
      row: Object.fromEntries(
        columns.flatMap((column) => {
          const value = record[column];
          return value === undefined ? [] : [[column, plain(value)]];
        }),
      ),
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    errors.push({ line: Number(error['lines'] ?? 1), message: `It cannot be read as CSV: ${error.message}` });
    return [];
  }
}

function yesOrNo(text: string | undefined): boolean | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^(yes|true|1)$/i.test(text)) return true;
  if (/^(no|false|0)$/i.test(text)) return false;
  throw new Error(`"${text}" under excluded is neither yes nor no.`);
}

function oneOf<T extends string>(known: readonly T[], text: string | undefined, column: string): T | undefined {
  if (text === undefined || text === '') return undefined;
  const found = known.find((each) => each === text);
  if (!found) throw new Error(`"${text}" under ${column} is none of ${known.join(', ')}.`);
  return found;
}

// What a spreadsheet would take for a formula, in either width, behind any apostrophes: so that taking the one away that
// was put there always gives what was there.
const formula = /^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

/** A customer's name may be a formula that a spreadsheet would run (OWASP, "CSV Injection"): as text it starts with an apostrophe. */
function neutral(text: string): string {
  return formula.test(text) ? `'${text}` : text;
}

function plain(text: string): string {
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}
