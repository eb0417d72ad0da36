/**
 * Users. The ordinary users of a group are computed from their number, so that those of 100,000 customers take no memory. Only
 * users that the API has added, removed or renamed are kept.
 */
import type { WorldDomain, WorldGroup } from '../world.ts';
import { refOf, started, type Ref } from './rows.ts';

/** The types of users with their ids (§4.6). The id of Discovered User is not known, so it is assumed. */
export const userTypes = {
  user: { id: 1, name: 'User' },
  alias: { id: 2, name: 'Alias' },
  mailingList: { id: 3, name: 'Mailing List' },
  unlicensed: { id: 11, name: 'Unlicensed User' },
  discovered: { id: 12, name: 'Discovered User' },
} as const;

export interface UserRow {
  id: number;
  name: string;
  parent: { id: number; name: string; primary_address: string } | null;
  user_type: Ref;
  user_group: Ref;
  domain: Ref;
  primary_address: string;
  email_addresses: string[];
  first_name: string;
  last_name: string;
  created_at: string;
  updated_at: string;
}

interface Added {
  id: number;
  groupId: number;
  typeId: number;
  parentId?: number;
}

/** The fields that a PUT may change and a POST may give. */
export interface UserFields {
  name?: string;
  first_name?: string;
  last_name?: string;
}

const perGroup = 10_000;

export type People = ReturnType<typeof createPeople>;

export function createPeople() {
  const removed = new Set<number>();
  const fields = new Map<number, UserFields>();
  /** Users that the API has added and whose type is not User, by group. */
  const added = new Map<number, Added[]>();

  const typeOf = (id: number): Ref => Object.values(userTypes).find((type) => type.id === id) ?? userTypes.user;

  function row(domain: WorldDomain, group: WorldGroup, id: number, type: Ref, parent: UserRow | null): UserRow {
    const own = fields.get(id) ?? {};
    const name = own.name ?? `${type.name.toLowerCase().replace(/\W/g, '')}${id % perGroup}`;
    const address = `${name}@${domain.name}`;
    return {
      id,
      name,
      parent: parent && { id: parent.id, name: parent.name, primary_address: parent.primary_address },
      user_type: type,
      user_group: refOf(group),
      domain: refOf(domain),
      primary_address: address,
      email_addresses: [address],
      first_name: own.first_name ?? 'User',
      last_name: own.last_name ?? String(id % perGroup),
      created_at: started,
      updated_at: started,
    };
  }

  /** All users of a group: those of type User, one of each other type, and those that the API has added. */
  function rows(domain: WorldDomain, group: WorldGroup): UserRow[] {
    const users: UserRow[] = [];
    for (let at = 0; users.length < group.users; at++) {
      const id = group.id * perGroup + at;
      if (!removed.has(id)) users.push(row(domain, group, id, userTypes.user, null));
    }
    const [first = null] = users;
    const others = [userTypes.alias, userTypes.mailingList, userTypes.unlicensed, userTypes.discovered].flatMap(
      (type, at) => {
        const id = group.id * perGroup + 9_000 + at;
        const orphan = type === userTypes.alias && !first;
        return removed.has(id) || orphan ? [] : [row(domain, group, id, type, type === userTypes.alias ? first : null)];
      },
    );
    const more = (added.get(group.id) ?? []).map((one) =>
      row(domain, group, one.id, typeOf(one.typeId), users.find((user) => user.id === one.parentId) ?? null),
    );
    return [...users, ...others, ...more];
  }

  return {
    rows,
    /** The group of a user whose id was computed from the group's id. */
    groupIdOf: (id: number) => Math.floor(id / perGroup),
    addedGroupIdOf: (id: number) => [...added.values()].flat().find((one) => one.id === id)?.groupId,
    /** Adds a user. A user of type User gets the group's next number as its id; `given.id` is for users of other types. */
    add(domain: WorldDomain, group: WorldGroup, given: Omit<Added, 'groupId'>, own: UserFields): UserRow | undefined {
      if (given.typeId === userTypes.user.id) {
        group.users++;
        const last = rows(domain, group)[group.users - 1];
        if (last) fields.set(last.id, own);
        return rows(domain, group)[group.users - 1];
      }
      added.set(group.id, [...(added.get(group.id) ?? []), { ...given, groupId: group.id }]);
      fields.set(given.id, own);
      return rows(domain, group).find((user) => user.id === given.id);
    },
    edit: (id: number, own: UserFields) => void fields.set(id, { ...fields.get(id), ...own }),
    remove(group: WorldGroup, user: UserRow): void {
      if (user.user_type.id === userTypes.user.id) group.users--;
      removed.add(user.id);
      added.set(
        group.id,
        (added.get(group.id) ?? []).filter((one) => one.id !== user.id),
      );
    },
  };
}
