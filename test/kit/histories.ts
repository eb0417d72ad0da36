/** Everything that Temporal stores about the workflows of a namespace, as text: what an operator, or a thief, could read. */
import type { System } from './system.ts';

export interface HistoryDump {
  workflowId: string;
  events: number;
  /** Every string of the history and of the description, payloads decoded. */
  text: string;
  /** Every value that was put in: inputs and answers of activities, memos, search attributes. Not the words for the Temporal UI. */
  payloads: unknown[];
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
    const payloads: unknown[] = [];
    collectPayloads(history, payloads, new Set());
    dumps.push({ workflowId, events: history.events?.length ?? 0, text: texts.join('\n'), payloads });
  }
  return dumps;
}

function collectPayloads(value: unknown, payloads: unknown[], seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || seen.has(value)) return;
  seen.add(value);
  if ('data' in value && value.data instanceof Uint8Array) {
    if (value.data.length > 0) payloads.push(JSON.parse(Buffer.from(value.data).toString('utf8')) as unknown);
    return;
  }
  for (const [name, field] of Object.entries(value))
    if (name !== 'userMetadata') collectPayloads(field, payloads, seen);
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
