/**
 * Changes that a test, the walkthrough, the console or the API makes. Each is a record that the simulator keeps, so that a
 * restart can repeat it.
 */
import type { WorldCustomer, WorldDomain, WorldGroup } from '../world.ts';
import type { People, UserFields } from './people.ts';
import type { Signals } from './signals.ts';
import { findUser, type WorldIndex } from './worldIndex.ts';

export type Row = Record<string, unknown>;

/** The whole state of the simulated Mailprotector. */
export interface Held {
  list: WorldCustomer[];
  people: People;
  signals: Signals;
  configurations: Map<string, Row>;
  managers: Map<number, Row & { entity: string }>;
  destinations: Map<number, Row & { owner: { id: number } }>;
}

/**
 * Makes a change.
 *
 * @param wanted `change` is the name of the change; each change has other fields
 * @param id the id of the row that the change makes or changes
 * @throws Error when there is no such change
 */
export function applyChange(held: Held, index: WorldIndex, wanted: Row, id: number): unknown {
  const { list, people, signals, configurations, managers, destinations } = held;
  const name = String(wanted['name']);
  switch (wanted['change']) {
    case 'setUsers': {
      // `id` is the group's, unless a customer is named: then its first group is meant.
      const group =
        wanted['customerId'] === undefined
          ? index.group.get(id)?.group
          : index.customer.get(Number(wanted['customerId']))?.domains[0]?.groups[0];
      if (group) group.users = Number(wanted['users']);
      return group;
    }
    case 'setServices': {
      const group = index.group.get(id)?.group;
      if (group) group.services = wanted['services'] as string[];
      return group;
    }
    case 'addCustomer': {
      const domains = (wanted['domains'] as WorldDomain[] | undefined) ?? [];
      const made: WorldCustomer = { id, name, story: 'unrelated', domains };
      list.push(made);
      return made;
    }
    case 'addCustomers': {
      // One change adds thousands of customers, so that the index is made anew only once.
      const added = wanted['customers'] as Omit<WorldCustomer, 'story'>[];
      list.push(...added.map((customer) => ({ ...customer, story: 'unrelated' as const })));
      return {};
    }
    case 'renameCustomer': {
      const found = index.customer.get(id);
      if (found) found.name = name;
      return found;
    }
    case 'removeCustomer': {
      const at = list.findIndex((customer) => customer.id === id);
      if (at >= 0) list.splice(at, 1);
      return {};
    }
    case 'addDomain': {
      // Every domain has a Default group (§5.4), and is Pending until it is verified.
      const groups = [{ id: Number(wanted['groupId'] ?? id + 1), name: 'Default', services: [], users: 0 }];
      const made: WorldDomain = { id, name, pending: true, aliases: [], groups };
      index.customer.get(Number(wanted['customerId']))?.domains.push(made);
      return made;
    }
    case 'verifyDomain': {
      const found = index.domain.get(id)?.domain;
      if (found) found.pending = false;
      return found;
    }
    case 'moveDomain': {
      const entry = index.domain.get(id);
      const to = index.customer.get(Number(wanted['customerId']));
      if (entry && to) {
        entry.customer.domains = entry.customer.domains.filter((domain) => domain.id !== id);
        to.domains.push(entry.domain);
      }
      return {};
    }
    case 'removeDomain': {
      const entry = index.domain.get(id);
      if (entry) entry.customer.domains = entry.customer.domains.filter((domain) => domain.id !== id);
      return {};
    }
    case 'addAlias':
      index.domain.get(Number(wanted['domainId']))?.domain.aliases.push({ id, name });
      return {};
    case 'addGroup': {
      const made: WorldGroup = { id, name, services: [], users: 0 };
      index.domain.get(Number(wanted['domainId']))?.domain.groups.push(made);
      return made;
    }
    case 'renameGroup': {
      const group = index.group.get(id)?.group;
      if (group) group.name = name;
      return group;
    }
    case 'removeGroup': {
      const entry = index.group.get(id);
      if (entry) entry.domain.groups = entry.domain.groups.filter((group) => group.id !== id);
      return {};
    }
    case 'addUser': {
      const entry = index.group.get(Number(wanted['groupId']));
      const parentId = wanted['parentId'];
      const given = {
        id,
        typeId: Number(wanted['typeId']),
        ...(typeof parentId === 'number' ? { parentId } : {}),
      };
      return entry && people.add(entry.domain, entry.group, given, wanted['fields'] as UserFields);
    }
    case 'editUser':
      people.edit(id, wanted['fields'] as UserFields);
      return {};
    case 'removeUser': {
      const entry = findUser(index, people, id);
      if (entry) people.remove(entry.group, entry.user);
      return {};
    }
    case 'configure': {
      const entity = String(wanted['entity']);
      configurations.set(entity, { ...configurations.get(entity), ...(wanted['fields'] as Row) });
      return {};
    }
    case 'addManager': {
      const { change: _change, entity, ...row } = wanted;
      const made = { ...row, roles: [], entity: String(entity) };
      managers.set(id, made);
      return made;
    }
    case 'removeManager':
      managers.delete(id);
      return {};
    case 'addDestination': {
      const made = {
        id,
        value: wanted['value'],
        owner: wanted['owner'] as { id: number },
        level: { level_id: 1, level: 'Normal' },
        destination_type: { destination_type_id: 1, destination_type: 'Email' },
      };
      destinations.set(id, made);
      return made;
    }
    case 'removeDestination':
      destinations.delete(id);
      return {};
    default: {
      const done = signals.apply(wanted);
      if (done === undefined) throw new Error(`The simulator knows no change "${String(wanted['change'])}".`);
      return done;
    }
  }
}
