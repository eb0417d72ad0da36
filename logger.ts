/** The log of our programs. An error is logged without the data that it quotes: a statement's parameters may be customers' names. */
import { DrizzleQueryError } from 'drizzle-orm';
import { DatabaseError } from 'pg';
import { pino, type DestinationStream, type Logger } from 'pino';

/** @param to where lines are written; standard output by default */
export function createLogger(name: string, level: string, to?: DestinationStream): Logger {
  const options = { level, base: { process: name, pid: process.pid }, serializers: { err: describeError } };
  return to ? pino(options, to) : pino(options);
}

/** Ends the process on an uncaught error, with a report that quotes no data; Node's own would. By default it goes to standard error. */
export function dieQuietly(
  say: (error: unknown) => void = (error) => process.stderr.write(`${errorText(error)}\n`),
): void {
  process.on('uncaughtException', (error: unknown) => {
    say(error);
    process.exit(1);
  });
}

/** Errors whose message is written for whoever called a program: where in the code they were thrown helps nobody. */
const forPersons = new Set(['Refusal', 'UsageError']);

/** What a program that ends with an error says of it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return `Something that is no error was thrown: ${typeof error}`;
  if (forPersons.has(error.name)) return error.message;
  const cause = error.cause === undefined ? '' : `\nbecause of: ${errorText(error.cause)}`;
  return `${error.name}: ${messageOf(error)}\n${placesIn(error)}${cause}`;
}

/** The stack without its first lines, which repeat the message. */
function placesIn(error: Error): string {
  const lines = error.stack?.split('\n') ?? [];
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}

/**
 * Describes an error for the log: its type, what happened, where in the code, and its causes. Parts that quote data are left
 * out: a statement's parameters, and PostgreSQL's `detail` and `where`. What an outside system answered is in the step's
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

/** The error's message without the data that it quotes. */
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
