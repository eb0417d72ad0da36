/** The console's client of Gradient's Vendor API (gradient.md §1, §3, §4.1). */
import { setTimeout as delay } from 'node:timers/promises';
import { ConsoleProblem } from './consoleProblem.ts';

/** Where the platform is, and in which of the known ways the vendor behaves (gradient.md §5.2). */
export interface ConsoleSettings {
  /** The base address of the Vendor API, such as `http://127.0.0.1:8080/api`. */
  vendorApiUrl: string;
  /** The vendor's half of the key. A person pastes the other half, the partner's. */
  vendorKey: string;
  /** Whether a count of 0 is posted; all of Gradient's samples leave it out. */
  postZeroes: boolean;
  /** Which counts are posted with `no_build`: all but the last one, or none. */
  noBuild: 'allButLast' | 'none';
}

export interface PlatformAnswer {
  status: number;
  body: unknown;
}

/**
 * @param apiKey the Partner API Key
 * @param path the path below `/vendor-api`
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
  // The platform got too many requests at once (gradient.md §3): the console waits as long as the answer says, and asks again.
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

/** Reads the answer's JSON, or its text: a proxy before the platform may answer with an HTML page. */
function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}

/** Tells a person what the platform answered: `Gradient MSP answered 401: Unauthorized`. */
export function wordsOf({ status, body }: PlatformAnswer): string {
  const { message } = (body ?? {}) as { message?: unknown };
  const said = Array.isArray(message) ? message.join('; ') : typeof message === 'string' ? message : '';
  return `Gradient MSP answered ${status}${said === '' ? '' : `: ${said}`}`;
}
