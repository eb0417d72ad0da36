/** Parses ConnectWise's `conditions` (connectwise.md §2.1): comparisons with and/or/not, parentheses, paths with slashes. */

type Row = Record<string, unknown>;
type Test = (row: Row) => boolean;

export class ConditionError extends Error {}

/** @returns a test of one row @throws ConditionError for conditions to which ConnectWise would answer 400 */
export function parseConditions(text: string): Test {
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => tokens[at];
  const next = () => {
    const token = tokens[at++];
    if (token === undefined) throw new ConditionError('The conditions end too early.');
    return token;
  };
  const word = () => (peek()?.type === 'word' ? String(peek()?.value).toLowerCase() : undefined);

  function either(): Test {
    let left = both();
    while (word() === 'or') {
      next();
      const [a, b] = [left, both()];
      left = (row) => a(row) || b(row);
    }
    return left;
  }

  function both(): Test {
    let left = one();
    while (word() === 'and') {
      next();
      const [a, b] = [left, one()];
      left = (row) => a(row) && b(row);
    }
    return left;
  }

  function one(): Test {
    if (peek()?.type === '(') {
      next();
      const inner = either();
      if (next().type !== ')') throw new ConditionError('A parenthesis is not closed.');
      return inner;
    }
    return comparison();
  }

  function comparison(): Test {
    const field = next();
    if (field.type !== 'word') throw new ConditionError('A field name is expected.');
    const path = String(field.value);
    let negated = false;
    if (word() === 'not') {
      next();
      negated = true;
    }
    const operator = next();
    // `not` may only stand before contains, like and in (§2.1).
    if (negated && operator.type !== 'word') throw new ConditionError('`not` takes contains, like or in.');
    const test = compare(path, operator, () => next());
    return negated ? (row) => !test(row) : test;
  }

  function compare(path: string, operator: Token, operand: () => Token): Test {
    const name = String(operator.value).toLowerCase();
    if (operator.type === 'word' && name === 'in') {
      if (operand().type !== '(') throw new ConditionError('`in` takes a list.');
      const values: unknown[] = [];
      for (;;) {
        values.push(literal(operand()));
        const separator = operand();
        if (separator.type === ')') break;
        if (separator.type !== ',') throw new ConditionError('`in` takes a list.');
      }
      return (row) => values.some((value) => same(read(row, path), value));
    }
    const value = literal(operand());
    if (operator.type === 'word' && (name === 'contains' || name === 'like')) {
      const pattern = name === 'contains' ? `*${String(value)}*` : String(value);
      const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/[*%]/g, '.*')}$`, 'i');
      return (row) => expression.test(String(read(row, path) ?? ''));
    }
    if (operator.type !== 'operator') throw new ConditionError(`"${name}" is no operator.`);
    switch (name) {
      case '=':
        return (row) => same(read(row, path), value);
      case '!=':
        return (row) => !same(read(row, path), value);
      default:
        return (row) => ordered(read(row, path), name, value);
    }
  }

  const test = either();
  if (at < tokens.length) throw new ConditionError('There is more than one condition without and/or.');
  return test;
}

type Token = { type: 'word' | 'operator' | 'string' | 'date' | 'number' | '(' | ')' | ','; value: string | number };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /\s*(?:(\()|(\))|(,)|"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(!=|<=|>=|=|<|>)|(-?\d+(?:\.\d+)?)(?![\w/])|([A-Za-z_][\w/]*))/y;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) {
      if (text.slice(start).trim() === '') break;
      throw new ConditionError(`Cannot read the conditions at "${text.slice(start, start + 20)}".`);
    }
    const [, open, close, comma, quoted, date, operator, number, word] = match;
    if (open) tokens.push({ type: '(', value: open });
    else if (close) tokens.push({ type: ')', value: close });
    else if (comma) tokens.push({ type: ',', value: comma });
    else if (quoted !== undefined) tokens.push({ type: 'string', value: quoted.replace(/\\(.)/gs, '$1') });
    else if (date !== undefined) tokens.push({ type: 'date', value: moment(date) });
    else if (operator) tokens.push({ type: 'operator', value: operator });
    else if (number !== undefined) tokens.push({ type: 'number', value: Number(number) });
    else if (word) tokens.push({ type: 'word', value: word });
  }
  return tokens;
}

/** Parses the time inside brackets; it must be UTC, without an offset. */
function moment(text: string): number {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?$/.test(text))
    throw new ConditionError(`"${text}" is no date in UTC.`);
  return Date.parse(text);
}

function literal(token: Token): unknown {
  switch (token.type) {
    case 'date':
      return new Date(token.value);
    case 'string':
    case 'number':
      return token.value;
    case 'word': {
      const name = String(token.value).toLowerCase();
      if (name === 'true' || name === 'false') return name === 'true';
      if (name === 'null') return null;
      throw new ConditionError(`"${String(token.value)}" is no value; strings take double quotes.`);
    }
    default:
      throw new ConditionError('A value is expected.');
  }
}

export function read(row: Row, path: string): unknown {
  let value: unknown = row;
  for (const part of path.split('/')) value = (value as Row | null | undefined)?.[part];
  return value;
}

function same(found: unknown, wanted: unknown): boolean {
  if (wanted instanceof Date) return typeof found === 'string' && Date.parse(found) === wanted.getTime();
  if (wanted === null) return found === null || found === undefined;
  if (typeof wanted === 'boolean') return Boolean(found) === wanted;
  if (typeof wanted === 'string' && typeof found === 'string') return found.toLowerCase() === wanted.toLowerCase();
  return found === wanted;
}

function ordered(found: unknown, operator: string, wanted: unknown): boolean {
  if (found === null || found === undefined) return false;
  const [a, b] =
    wanted instanceof Date
      ? [Date.parse(String(found)), wanted.getTime()]
      : typeof wanted === 'number'
        ? [Number(found), wanted]
        : [String(found), String(wanted)];
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}
