/**
 * Setup tables and members, for reading (connectwise.md §4.1, §4.3, §4.5, §4.7). Names and numbers are of this world; the fields
 * are those of the specification.
 */
import type { Row } from './answers.ts';
import { members, type Level, type Member, type Module } from './members.ts';

const named = (names: readonly string[], more: (name: string, at: number) => Row = () => ({})): Row[] =>
  names.map((name, at) => ({ id: at + 1, name, defaultFlag: at === 0, ...more(name, at) }));

export const companyStatuses = named(['Active', 'Inactive', 'Not Approved'], (name) => ({
  inactiveFlag: name === 'Inactive',
  notifyFlag: name !== 'Active',
}));
export const companyTypes = named(['Client', 'Prospect', 'Vendor'], (name) => ({ vendorFlag: name === 'Vendor' }));
export const agreementTypes = named(['Managed Services', 'Block Time'], () => ({
  inactiveFlag: false,
  prePaymentFlag: false,
}));
export const sources = named(['Phone', 'Email Connector', 'Portal', 'Integration']);
export const serviceLocations = named(['On-site', 'Remote', 'In-House'], (name) => ({
  where: { 'On-site': 'OnSite', Remote: 'Remote', 'In-House': 'InHouse' }[name],
}));

export const teamsOf = (board: Row): Row[] =>
  ['Service Team', 'Escalation'].map((name, at) => ({
    id: Number(board['id']) * 300 + at,
    name,
    teamLeader: memberReference(at),
    members: technicians.map((member) => member['id']),
    defaultFlag: at === 0,
    boardId: board['id'],
  }));

const person = (id: number, identifier: string, firstName: string, lastName: string, role: Row): Row => ({
  id,
  identifier,
  firstName,
  lastName,
  // F = full member, A = API member.
  licenseClass: lastName === 'API' ? 'A' : 'F',
  inactiveFlag: false,
  securityRole: { id: role['id'], name: role['name'] },
});

/** A role for each API member, and one for the technicians. */
const apiMembers = Object.entries(members);
export const securityRoles: Row[] = [
  { id: 1, name: 'Technician', adminFlag: false, inactiveFlag: false },
  ...apiMembers.map(([name], at) => ({ id: at + 2, name: `API ${name}`, adminFlag: false, inactiveFlag: false })),
];
const [technician = {}] = securityRoles;
const technicians = [
  person(1, 'GHopper', 'Grace', 'Hopper', technician),
  person(2, 'ALovelace', 'Ada', 'Lovelace', technician),
];
export const memberRows: Row[] = [
  ...technicians,
  ...apiMembers.map(([name], at) => person(at + 3, name, name, 'API', securityRoles[at + 1] ?? {})),
];

function memberReference(at: number): Row {
  const { id, identifier, firstName, lastName } = technicians[at] ?? {};
  return { id, identifier, name: `${String(firstName)} ${String(lastName)}` };
}

/** The lighter list of members: without their roles. */
export const memberInfos = memberRows.map((row): Row => {
  const { securityRole: _, ...lighter } = row;
  return { ...lighter, fullName: `${String(row['firstName'])} ${String(row['lastName'])}` };
});

const functions: [Module, string, string][] = [
  ['company', 'Companies', 'Company Maintenance'],
  ['catalog', 'Procurement', 'Product Catalog'],
  ['agreements', 'Finance', 'Agreements'],
  ['tickets', 'Service', 'Service Tickets'],
  ['tableSetup', 'System', 'Table Setup'],
  ['system', 'System', 'Members'],
];

/** @returns what a role may do, a row for each function of a module; undefined if there is no such role */
export function settingsOf(roleId: number): Row[] | undefined {
  const member: Member | undefined = apiMembers[roleId - 2]?.[1];
  if (roleId !== 1 && !member) return undefined;
  return functions.map(([module, moduleName, name], at) => {
    const level = (right: Level) => (member && !member.lacks.includes(`${module}.${right}`) ? 'All' : 'None');
    return {
      id: roleId * 100 + at,
      moduleIdentifier: moduleName,
      moduleFunctionIdentifier: name,
      moduleFunctionName: name,
      addLevel: level('add'),
      editLevel: level('edit'),
      deleteLevel: level('delete'),
      inquireLevel: level('inquire'),
    };
  });
}
