/** The name under which each answer is kept: one factory for each entity. What begins with `all` is forgotten together. */
export const keys = {
  me: { all: ['me'] },
  vendors: { all: ['vendors'] },
  psas: { all: ['psas'] },
  psaConnections: { all: ['psaConnections'], one: (id: string) => ['psaConnections', id] },
  boards: { of: (psaConnectionId: string) => ['boards', psaConnectionId] },
  health: { all: ['health'] },
  integrations: { all: ['integrations'], one: (id: string) => ['integrations', id] },
  intake: { of: (integrationId: string) => ['intake', integrationId] },
  customers: { of: (integrationId: string) => ['customers', integrationId] },
  alertSettings: { of: (integrationId: string) => ['alertSettings', integrationId] },
  integrationKeys: { of: (integrationId: string) => ['integrationKeys', integrationId] },
  schedule: { of: (integrationId: string) => ['schedule', integrationId] },
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
