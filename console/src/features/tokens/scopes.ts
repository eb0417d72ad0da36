import type { ApiToken } from './queries.ts';

/** What a token allows, the least first. */
export const scopeWords: Record<ApiToken['scopes'][number], { name: string; may: string }> = {
  read: { name: 'Read', may: 'reads everything, and changes nothing' },
  operate: { name: 'Operate', may: 'also maps, syncs and signs off' },
  admin: { name: 'Admin', may: 'also connects, gives credentials, invites people and makes tokens' },
};

export const scopeChoices = (['read', 'operate', 'admin'] as const).map((id) => ({
  id,
  name: scopeWords[id].name,
  detail: `It ${scopeWords[id].may}.`,
}));
