/** Mappings as a CSV file for spreadsheets: writes the file, reads it back, and compares it with what is mapped now. Pure. */
import { roundings, type Rounding } from './quantities.ts';
import { fanOuts, whyNotProduct, type FanOut, type PsaProduct, type ServiceMapping } from './serviceMapping.ts';
import { joinCell, readSheet, SheetError, splitCell, writeSheet } from './spreadsheet.ts';

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

/** What is mapped now, and what can be mapped to. */
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
  /** null = the mapping is removed. */
  mapping: ServiceMapping | null;
}

/** What a file would change. If it has any error, nothing may be changed. */
export interface MappingPlan {
  changes: (AccountChange | ServiceChange)[];
  unchanged: number;
  errors: { line: number; message: string }[];
}

const columns = ['kind', 'id', 'name', 'mappedTo', 'mappedToName', 'excluded', 'fanOut', 'rounding'] as const;
const neededColumns = ['kind', 'id', 'mappedTo'] as const;
type Row = Partial<Record<(typeof columns)[number], string>>;

/** @returns the file: one line per linked vendor account and per service; `joinCell` writes several product ids in one cell */
export function writeMappings(now: Mappings): string {
  const named = namesOf(now);
  const rows: Row[] = [
    ...now.accounts.map((account) => ({
      kind: 'account',
      id: account.id,
      name: account.name,
      mappedTo: account.psaAccountId ?? '',
      mappedToName: named.psaAccount(account.psaAccountId),
      excluded: account.excluded ? 'yes' : 'no',
    })),
    ...now.services.map((service) => ({
      kind: 'service',
      id: service.id,
      name: service.name,
      mappedTo: joinCell(service.productIds ?? []),
      mappedToName: named.products(service.productIds ?? []),
      fanOut: service.fanOut ?? '',
      rounding: service.rounding ?? '',
    })),
  ];
  return writeSheet(
    columns,
    rows.map((row) => columns.map((column) => row[column] ?? '')),
  );
}

/** Looks up the names that go beside ids in the file; what is gone has an empty name. */
function namesOf({ psaAccounts, products }: Mappings) {
  const accountNames = new Map(psaAccounts.map(({ id, name }) => [id, name]));
  const productNames = new Map(products.map(({ id, productId }) => [id, productId]));
  return {
    psaAccount: (id: string | null) => accountNames.get(id ?? '') ?? '',
    products: (ids: readonly string[]) => ids.map((id) => productNames.get(id) ?? '').join(' '),
  };
}

/**
 * Reads a file and says what it would change. What has no line in the file stays as it is; an empty `mappedTo` removes a
 * mapping. Where a line has names, its ids and names must agree: a spreadsheet may have turned 007 into 7, or sorted some
 * columns without the others.
 *
 * @param text with a header line; columns in any order (see `readSheet`)
 */
export function planMappings(text: string, now: Mappings): MappingPlan {
  const plan: MappingPlan = { changes: [], unchanged: 0, errors: [] };
  const rows = read(text, plan.errors);
  const accounts = new Map(now.accounts.map((account) => [account.id, account]));
  const services = new Map(now.services.map((service) => [service.id, service]));
  const psaAccounts = new Set(now.psaAccounts.map(({ id }) => id));
  const products = new Map(now.products.map((product) => [product.id, product]));
  const named = namesOf(now);
  const idOf = {
    account: idByName(now.accounts),
    service: idByName(now.services),
    psaAccount: idByName(now.psaAccounts),
  };
  const seen = new Map<string, number>();

  for (const { row, line, error } of rows) {
    const key = JSON.stringify([row.kind, row.id]);
    const before = seen.get(key);
    seen.set(key, line);
    try {
      if (error !== undefined) throw new Error(error);
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
    // Only an empty cell unmaps; a line that was cut off before the cell does not.
    if (row.mappedTo === undefined) throw new Error('The line ends before mappedTo. Leave the cell empty to unmap.');
    if (row.mappedTo === '' && row.mappedToName)
      throw new Error(`mappedTo is empty, and mappedToName is "${row.mappedToName}": empty both to unmap.`);
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
    if (!before)
      throw new Error(
        `There is no linked customer with the id "${row.id}"${idOf.account(row.name)}. Link it first, or correct the id.`,
      );
    refuseOtherName(before.id, before.name, row.name, idOf.account);
    if (row.fanOut || row.rounding)
      throw new Error('A customer has no fanOut and no rounding: these are of another line.');
    const psaAccountId = row.mappedTo || null;
    const excluded = yesOrNo(row.excluded) ?? before.excluded;
    if (excluded && psaAccountId !== null)
      throw new Error('It is excluded and mapped at once: empty mappedTo, or write no under excluded.');
    if (psaAccountId !== null && !psaAccounts.has(psaAccountId)) {
      // A mapping to an account that is gone stays until somebody changes it.
      if (psaAccountId !== before.psaAccountId)
        throw new Error(
          `The PSA has no account with the id "${psaAccountId}"${idOf.psaAccount(row.mappedToName)}, or it was not read yet.`,
        );
    } else if (psaAccountId !== null) {
      refuseOtherName(psaAccountId, named.psaAccount(psaAccountId), row.mappedToName, idOf.psaAccount);
    }
    if (excluded === before.excluded && psaAccountId === before.psaAccountId) return undefined;
    return { kind: 'account', line, id: before.id, name: before.name, before, excluded, psaAccountId };
  }

  function serviceChange(row: Row, line: number): ServiceChange | undefined {
    const before = services.get(row.id ?? '');
    if (!before) throw new Error(`There is no service with the id "${row.id}"${idOf.service(row.name)}.`);
    refuseOtherName(before.id, before.name, row.name, idOf.service);
    if (yesOrNo(row.excluded)) throw new Error('A service cannot be excluded: that is of another line.');
    const productIds = [...new Set(splitCell(row.mappedTo ?? ''))];
    for (const id of productIds) {
      const refused = before.productIds?.includes(id) ? undefined : whyNotProduct(id, products.get(id));
      if (refused) throw new Error(refused.detail);
    }
    if (productIds.every((id) => products.has(id)))
      refuseOtherName(joinCell(productIds), named.products(productIds), row.mappedToName, () => '');
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

/** @throws Error with both names when the line's name is not the name of its id; a line without a name passes */
function refuseOtherName(id: string, name: string, given: string | undefined, idOf: (name: string) => string): void {
  if (!given || comparable(given) === comparable(name)) return;
  const lost = given.includes('\uFFFD') ? ' Some of its letters were lost: save the file as "CSV UTF-8".' : '';
  throw new Error(
    `The id "${id}" is that of "${name}", and the line says "${given}"${idOf(given)}. Correct the one that is wrong, or ` +
      `empty the name if it was changed since the export.${lost}`,
  );
}

/** A name without what a spreadsheet may add to it: extra space, and an apostrophe in front. */
function comparable(name: string): string {
  return name.normalize('NFC').replace(/^'+/, '').replace(/\s+/g, ' ').trim();
}

/** Finds the id with a given name and says it in words that follow that name; empty when no id or several have the name. */
function idByName(things: readonly { id: string; name: string }[]): (name: string | undefined) => string {
  let ids: Map<string, string | null> | undefined;
  return (name) => {
    if (!name) return '';
    if (!ids) {
      ids = new Map();
      for (const thing of things) {
        const key = comparable(thing.name);
        ids.set(key, ids.has(key) ? null : thing.id);
      }
    }
    const id = ids.get(comparable(name));
    return typeof id === 'string' ? `, and "${name}" has the id "${id}"` : '';
  };
}

/** The mapping of a service; null = not mapped. */
export function mappingOf({
  productIds,
  fanOut,
  rounding,
}: Pick<MappedService, 'productIds' | 'fanOut' | 'rounding'>): ServiceMapping | null {
  return productIds && fanOut && rounding ? { productIds, fanOut, rounding } : null;
}

/** Describes a change to a person: the state before and the state after. */
export function createDescriber(
  now: Mappings,
): (change: AccountChange | ServiceChange) => { before: string; after: string } {
  const psaAccounts = new Map(now.psaAccounts.map(({ id, name }) => [id, name]));
  const products = new Map(now.products.map((product) => [product.id, product.productId]));
  return (change) => {
    if (change.kind === 'account') {
      const describe = (state: { excluded: boolean; psaAccountId: string | null }) =>
        describeAccountMapping(state, psaAccounts.get(state.psaAccountId ?? ''));
      return { before: describe(change.before), after: describe(change) };
    }
    const describe = (mapping: ServiceMapping | null) => describeServiceMapping(mapping, products);
    return { before: describe(mappingOf(change.before)), after: describe(change.mapping) };
  };
}

/** The decision about a vendor account, as it follows "It is". @param name the PSA account's name; undefined = it is gone */
export function describeAccountMapping(
  { excluded, psaAccountId }: { excluded: boolean; psaAccountId: string | null },
  name: string | undefined,
): string {
  if (excluded) return 'excluded';
  return psaAccountId === null ? 'not mapped' : `mapped to ${name ?? 'an account that is gone'} (${psaAccountId})`;
}

/** The decision about a service, as it follows "It is". @param names the products' names by id */
export function describeServiceMapping(mapping: ServiceMapping | null, names: ReadonlyMap<string, string>): string {
  if (!mapping) return 'not mapped';
  const products = mapping.productIds.map((id) => names.get(id) ?? id).join(', ');
  return `mapped to ${products} (${mapping.fanOut}, rounding ${mapping.rounding})`;
}

interface Line {
  line: number;
  row: Row;
  /** Why the line cannot be read. */
  error?: string;
}

function read(text: string, errors: MappingPlan['errors']): Line[] {
  try {
    const { header, rows } = readSheet(text);
    const names = header.map((cell) => columns.find((column) => column.toLowerCase() === cell.trim().toLowerCase()));
    const missing = neededColumns.filter((column) => !names.includes(column));
    if (missing.length > 0) throw new SheetError(1, `The header lacks ${missing.join(', ')}.`);
    const twice = columns.find((column) => names.indexOf(column) !== names.lastIndexOf(column));
    if (twice) throw new SheetError(1, `The header has ${twice} twice.`);
    return rows.map(({ line, cells }) => {
      const row: Row = {};
      names.forEach((name, at) => {
        const cell = cells[at];
        if (name !== undefined && cell !== undefined) row[name] = cell;
      });
      // An unquoted comma in a name shifts all the cells after it.
      const beyond = cells.slice(header.length).find((cell) => cell !== '');
      return beyond === undefined
        ? { line, row }
        : {
            line,
            row,
            error: `The line has more cells than the header: "${beyond}". Put what holds a separator in quotes.`,
          };
    });
  } catch (error) {
    if (!(error instanceof SheetError)) throw error;
    errors.push({ line: error.line, message: error.message });
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
