/** Boards with their statuses, types and subtypes, and priorities, whose colors are words of the specification (connectwise.md §4.5). Statuses have `inactive`, boards and types `inactiveFlag`. */
type Row = Record<string, unknown>;

/** The boards of one simulation, whose `inactiveFlag` an administrator may change. */
export const createBoards = (): Row[] => [
  { id: 1, name: 'Service Desk', projectFlag: false, inactiveFlag: false },
  { id: 2, name: 'Alerts', projectFlag: false, inactiveFlag: false },
  { id: 3, name: 'Projects', projectFlag: true, inactiveFlag: false },
  { id: 4, name: 'Old Board', projectFlag: false, inactiveFlag: true },
];

const names = ['New', 'In Progress', 'Closed', 'Retired'];

export const statusesOf = (board: Row): Row[] =>
  names.map((name, at) => ({
    id: Number(board['id']) * 100 + at,
    name,
    board: { id: board['id'], name: board['name'] },
    sortOrder: at * 10,
    displayOnBoard: name !== 'Closed',
    inactive: name === 'Retired',
    closedStatus: name === 'Closed',
    defaultFlag: name === 'New',
  }));

export const typesOf = (board: Row): Row[] =>
  ['E-mail', 'Network'].map((name, at) => ({
    id: Number(board['id']) * 200 + at,
    name,
    category: 'Reactive',
    board: { id: board['id'], name: board['name'] },
    defaultFlag: at === 0,
    inactiveFlag: false,
  }));

export const subTypesOf = (board: Row): Row[] =>
  ['Delivery', 'Spam'].map((name, at) => ({
    id: Number(board['id']) * 400 + at,
    name,
    board: { id: board['id'], name: board['name'] },
    inactiveFlag: false,
    // Both of the first type of the board.
    typeAssociationIds: [typesOf(board)[0]?.['id']],
  }));

export const priorities: readonly Row[] = ['Critical', 'High', 'Medium', 'Low'].map((name, at) => ({
  id: at + 1,
  name: `Priority ${at + 1} - ${name}`,
  color: ['Red', 'Orange', 'Yellow', 'Green'][at],
  sortOrder: at + 1,
  defaultFlag: name === 'Medium',
}));
