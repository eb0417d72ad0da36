/** Reads server-sent events as they come. */
import { until } from '../../dev/until.ts';

export interface StreamEvent {
  id: string | undefined;
  event: string;
  data: unknown;
}

export interface EventStream {
  response: Response;
  /** Everything that has come so far, also comments. */
  text(): string;
  events(): StreamEvent[];
  isOver(): boolean;
  /** Waits for an event that fits. */
  event(what: string, fits: (event: StreamEvent) => boolean): Promise<StreamEvent>;
  close(): void;
}

/** @param headers with the token, and perhaps `last-event-id` */
export async function openEvents(url: string, headers: Record<string, string>): Promise<EventStream> {
  const gone = new AbortController();
  const response = await fetch(url, { headers, signal: gone.signal });
  let text = '';
  let over = false;
  const read = async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  };
  void read()
    .catch(() => undefined)
    .finally(() => (over = true));
  const stream: EventStream = {
    response,
    text: () => text,
    events: () => text.split('\n\n').slice(0, -1).flatMap(eventOf),
    isOver: () => over,
    event: (what, fits) => until(what, () => stream.events().find(fits)),
    close: () => gone.abort(),
  };
  return stream;
}

function eventOf(block: string): StreamEvent[] {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const [event, data] = [field('event'), field('data')];
  return event === undefined || data === undefined
    ? []
    : [{ id: field('id'), event, data: JSON.parse(data) as unknown }];
}
