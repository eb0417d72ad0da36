/** What an integration is doing, in a word. */
import type { Schema } from '../../api/types.ts';
import type { Tone } from '../../ui/StatusWord.tsx';
import type { Health } from '../integrationHealth/queries.ts';

export type Integration = Schema<'Integration'>;

type SyncState = 'never' | 'running' | 'blocked' | 'done';

/** How its sync under way, or its last one, is. */
export function syncStateOf({ sync, disconnectedAt }: Integration): SyncState {
  if (sync.steps.length === 0) return 'never';
  if (sync.done || disconnectedAt !== null) return 'done';
  return sync.steps.some(({ state }) => state === 'blocked') ? 'blocked' : 'running';
}

export const syncWords: Record<SyncState, { tone: Tone; word: string }> = {
  never: { tone: 'quiet', word: 'Not synced yet' },
  running: { tone: 'busy', word: 'Syncing' },
  blocked: { tone: 'bad', word: 'Blocked' },
  done: { tone: 'good', word: 'Synced' },
};

const healthWords: Record<Health['state'], { tone: Tone; word: string }> = {
  healthy: { tone: 'good', word: 'Healthy' },
  attention: { tone: 'care', word: 'Needs attention' },
  failing: { tone: 'bad', word: 'Failing' },
};

export function wordOf(integration: Integration, health: Health | undefined): { tone: Tone; word: string } {
  if (integration.disconnectedAt !== null) return { tone: 'quiet', word: 'Disconnected' };
  if (health?.state === 'failing') return healthWords.failing;
  if (!integration.process.done) return { tone: 'waiting', word: 'Being connected' };
  return healthWords[health?.state ?? 'healthy'];
}

export const moduleWords: Record<Integration['modules'][number], string> = { billing: 'Billing', alerts: 'Alerts' };
