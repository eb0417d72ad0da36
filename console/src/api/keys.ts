/** The name under which each answer is kept: one factory for each entity. What begins with `all` is forgotten together. */
export const keys = {
  me: { all: ['me'] },
  vendors: { all: ['vendors'] },
  psas: { all: ['psas'] },
  psaConnections: { all: ['psaConnections'] },
  health: { all: ['health'] },
  integrations: { all: ['integrations'] },
  cards: {
    all: ['cards'],
    sorted: (sort: string) => ['cards', sort],
  },
  onboardings: { all: ['onboardings'] },
  syncs: {
    all: ['syncs'],
    of: (integrationId: string) => ['syncs', integrationId],
  },
} as const;
