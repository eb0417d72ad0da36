/** Everything that Temporal stores about the workflows of a namespace, as text: what an operator, or a thief, could read. */
import type { System } from './system.ts';

export interface HistoryDump {
  workflowId: string;
  events: number;
  /** Every string of the history and of the description, payloads decoded. */
  text: string;
}

export async function dumpHistories(system: System): Promise<HistoryDump[]> {
  const dumps: HistoryDump[] = [];
  for await (const { workflowId, runId } of system.temporal.workflow.list()) {
    const handle = system.temporal.workflow.getHandle(workflowId, runId);
    const history = await handle.fetchHistory();
    const { raw, ...description } = await handle.describe();
    const texts: string[] = [];
    collect(history, texts, new Set());
    collect(raw, texts, new Set());
    collect({ ...description, client: undefined }, texts, new Set());
    dumps.push({ workflowId, events: history.events?.length ?? 0, text: texts.join('\n') });
  }
  return dumps;
}

/** Collects all texts of any object. Bytes are payloads, which are decoded to the text that was put in. */
function collect(value: unknown, texts: string[], seen: Set<object>): void {
  if (typeof value === 'string') texts.push(value);
  else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString('utf8'));
  else if (typeof value === 'object' && value !== null && !seen.has(value)) {
    seen.add(value);
    for (const [name, field] of Object.entries(value)) {
      texts.push(name);
      collect(field, texts, seen);
    }
  }
}
