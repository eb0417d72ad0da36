/** Gradient's Vendor API, as the console calls it (gradient.md §1, §3, §4.1). */
import { setTimeout as delay } from 'node:timers/promises';
import { ConsoleProblem } from './consoleProblem.ts';

/** Variants of vendor behaviour seen in the wild (gradient.md §5.2), and where the platform is. */
export interface ConsoleSettings {
  /** Base of the Vendor API, e.g. `http://127.0.0.1:8080/api`. */
  vendorApiUrl: string;
  /** The vendor's half of the key; the partner's half is pasted. */
  vendorKey: string;
  /** Post a zero, or leave it out as all of Gradient's samples do. */
  postZeroes: boolean;
  /** `no_build` on all counts but the last, or on none. */
  noBuild: 'allButLast' | 'none';
}

export interface PlatformAnswer {
  status: number;
  body: unknown;
}

/**
 * @param apiKey the Partner API Key
 * @param path below `/vendor-api`
 * @throws ConsoleProblem 502 when the platform cannot be reached
 */
export async function askPlatform(
  settings: ConsoleSettings,
  apiKey: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<PlatformAnswer> {
  if (settings.vendorApiUrl === '')
    throw new ConsoleProblem(
      502,
      'This simulator was not told where Gradient MSP is: its setting vendorApiUrl is empty.',
    );
  const request = {
    method,
    headers: {
      'GRADIENT-TOKEN': Buffer.from(`${settings.vendorKey}:${apiKey}`).toString('base64'),
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const [response, text] = await send(`${settings.vendorApiUrl}/vendor-api${path}`, request);
  // Too many at once (gradient.md §3): it waits as it is told, and sends it again.
  if (response.status === 429) {
    await delay(1_000 * Number(response.headers.get('retry-after') ?? 1));
    return askPlatform(settings, apiKey, method, path, body);
  }
  return { status: response.status, body: parsed(text) };
}

async function send(url: string, request: RequestInit): Promise<[Response, string]> {
  try {
    const response = await fetch(url, request);
    return [response, await response.text()];
  } catch (error) {
    const { cause, message } = error as Error;
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : message;
    throw new ConsoleProblem(502, `Gradient MSP cannot be reached at ${new URL(url).origin} (${why}).`);
  }
}

/** A proxy in between may answer with a page of its own. */
function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}

/** What the platform said, for a person: `Gradient MSP answered 401: Unauthorized`. */
export function wordsOf({ status, body }: PlatformAnswer): string {
  const { message } = (body ?? {}) as { message?: unknown };
  const said = Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : '';
  return `Gradient MSP answered ${status}${said === '' ? '' : `: ${said}`}`;
}
