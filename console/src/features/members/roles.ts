import type { Schema } from '../../api/types.ts';

export type Role = Schema<'Member'>['role'];

/** The roles in words, the least first. */
export const roles: Record<Role, { name: string; may: string }> = {
  viewer: { name: 'Viewer', may: 'sees everything, and changes nothing' },
  operator: { name: 'Operator', may: 'also maps, syncs and signs off' },
  admin: { name: 'Admin', may: 'also connects, gives credentials and invites people' },
};

export const roleChoices = (['viewer', 'operator', 'admin'] as const).map((id) => ({ id, name: roles[id].name }));
