/**
 * Where it is known that the database does not answer: at the connections to it. The same codes (`ECONNRESET`) come from other
 * connections, too, such as that of a client who breaks off an upload, so nobody can tell by the code alone.
 */
import { Client, DatabaseError, Pool, type ClientConfig, type PoolClient, type PoolConfig } from 'pg';

/** The database does not answer. Its cause is what the driver says. */
export class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';

  constructor(cause: unknown) {
    super('The database does not answer.', { cause });
  }
}

/** What PostgreSQL itself answers when it ends a session, is shutting down, or is starting. */
const awayCodes = new Set(['57P01', '57P02', '57P03']);

/** @returns the error as it is if PostgreSQL has answered something else, so that it is there */
function unlessAnswered(error: unknown): unknown {
  return error instanceof DatabaseError && !awayCodes.has(error.code ?? '') ? error : new DatabaseAway(error);
}

/** A connection that says of its own errors whether the database is away. */
class OwnClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    let lost = false;
    for (const event of ['error', 'end'] as const) this.on(event, () => (lost = true));
    const driver = Object.getPrototypeOf(OwnClient.prototype) as { query: (...given: unknown[]) => unknown };
    const asDriver = (...given: unknown[]) => driver.query.apply(this, given);
    // An error while the connection is there is the statement's: one that cannot be sent as it is given.
    const judged = (error: unknown) => (lost || error instanceof DatabaseError ? unlessAnswered(error) : error);
    Object.assign(this, {
      query(...given: unknown[]): unknown {
        const done = given.at(-1);
        if (typeof done === 'function')
          return asDriver(...given.slice(0, -1), (error: unknown, result: unknown) => {
            done(error && judged(error), result);
          });
        const answer = asDriver(...given);
        return answer instanceof Promise
          ? answer.catch((error: unknown) => Promise.reject(judged(error) as Error))
          : answer;
      },
    });
  }
}

type GotClient = (error: Error | undefined, client: PoolClient | undefined, done: () => void) => void;

/** A pool whose connections are of that kind. Without a connection to give out, the database is away, too. */
export class OwnPool extends Pool {
  constructor(config: PoolConfig) {
    super({ ...config, Client: OwnClient });
    Object.assign(this, { query: (...given: unknown[]) => this.queryOnce(given) });
  }

  /**
   * A statement on a connection of its own. The driver's way hands over what the connection says when it is lost, past the
   * connection's own judgement; which of the two came first was luck.
   */
  private async queryOnce(given: unknown[]): Promise<unknown> {
    const client = await this.connect();
    const ask = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
    let failed: Error | undefined;
    try {
      return await ask(...given);
    } catch (error) {
      failed = error as Error;
      throw error;
    } finally {
      client.release(failed);
    }
  }

  override connect(): Promise<PoolClient>;
  override connect(done: GotClient): void;
  override connect(done?: GotClient): Promise<PoolClient> | void {
    if (done)
      super.connect((error, client, release) => done(error && (unlessAnswered(error) as Error), client, release));
    else return super.connect().catch((error: unknown) => Promise.reject(unlessAnswered(error) as Error));
  }
}
