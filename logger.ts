/** What our programs log. An error never brings what it quotes: parameters of statements are customers' names. */
import { DrizzleQueryError } from 'drizzle-orm';
import { DatabaseError } from 'pg';
import { pino, type DestinationStream, type Logger } from 'pino';

/** @param to where lines go; standard output unless said otherwise */
export function createLogger(name: string, level: string, to?: DestinationStream): Logger {
  const options = { level, base: { process: name, pid: process.pid }, serializers: { err: describeError } };
  return to ? pino(options, to) : pino(options);
}

/** Node would print an error that nobody catches as it is. Without `say` it goes to standard error, in words. */
export function dieQuietly(
  say: (error: unknown) => void = (error) => process.stderr.write(`${errorText(error)}\n`),
): void {
  process.on('uncaughtException', (error: unknown) => {
    say(error);
    process.exit(1);
  });
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return `Something that is no error was thrown: ${typeof error}`;
  const cause = error.cause === undefined ? '' : `\nbecause of: ${errorText(error.cause)}`;
  return `${error.name}: ${messageOf(error)}\n${placesIn(error)}${cause}`;
}

/** The stack without its first lines, which are the message. */
function placesIn(error: Error): string {
  const lines = error.stack?.split('\n') ?? [];
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}

/**
 * An error for a log: what kind, what happened, where in the code, and the same of its causes. What quotes data is left
 * out: the parameters of a statement, and PostgreSQL's `detail` and `where`. The outside world's words are in the step's
 * problem, in PostgreSQL.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = 'code' in error ? { code: error.code } : {};
  return {
    type: error.name,
    message: messageOf(error),
    ...code,
    ...(error instanceof DrizzleQueryError ? { query: error.query.slice(0, 2_000) } : {}),
    ...(error instanceof DatabaseError ? placeOf(error) : {}),
    ...(error instanceof AggregateError ? { errors: error.errors.map(describeError) } : {}),
    stack: placesIn(error),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** What happened, without the data that it quotes. */
export function messageOf(error: Error): string {
  if (error instanceof DrizzleQueryError) return 'A statement failed.';
  // PostgreSQL's data exceptions quote the value: `invalid input syntax for type date: "…"`.
  if (error instanceof DatabaseError && error.code?.startsWith('22')) return error.message.replace(/".*"/s, '"…"');
  if (error.name === 'ConnectorError' && 'code' in error) return String(error.code);
  return error.message;
}

function placeOf({ schema, table, column, constraint, dataType, routine }: DatabaseError): object {
  return { schema, table, column, constraint, dataType, routine };
}
