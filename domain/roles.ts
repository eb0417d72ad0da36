/** What a member may do. A role is the API's scope of the same rank, and each includes the ones before it. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The scope of the API that a role gives; `admin` includes `operate`, which includes `read`. */
export const scopeOfRole = { viewer: 'read', operator: 'operate', admin: 'admin' } as const satisfies Record<
  Role,
  string
>;
