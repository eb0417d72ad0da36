/** The typed search attributes of every workflow: registered by `migrate`, checked by the worker before it starts. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const searchAttributes = {
  organizationId: defineSearchAttributeKey('OrganizationId', SearchAttributeType.KEYWORD),
  integrationId: defineSearchAttributeKey('IntegrationId', SearchAttributeType.KEYWORD),
  /** Of every integration that the process keeps from going on when it is blocked: of a PSA's refresh all that use the PSA. */
  integrationIds: defineSearchAttributeKey('IntegrationIds', SearchAttributeType.KEYWORD_LIST),
  process: defineSearchAttributeKey('Process', SearchAttributeType.KEYWORD),
  blocked: defineSearchAttributeKey('Blocked', SearchAttributeType.BOOL),
  problem: defineSearchAttributeKey('Problem', SearchAttributeType.KEYWORD),
};

/** Temporal's numbers for the types used above (enum IndexedValueType). */
const indexedType = { KEYWORD: 2, BOOL: 5, KEYWORD_LIST: 7 } as const;

type Registered = Record<string, number>;

/** This client may not register search attributes: in Temporal Cloud, and where an administrator does it. */
export class RegisteringNotAllowed extends Error {}

/** A search attribute of ours is registered with another type; a person has to decide what to do. */
export class SearchAttributeOfAnotherType extends Error {}

/**
 * Registers the search attributes that are missing, and compares the types of those that exist: registering an attribute
 * again with another type silently succeeds (measured), and an unregistered one fails every workflow task.
 *
 * @throws SearchAttributeOfAnotherType that names the attribute
 * @throws RegisteringNotAllowed that says which are missing, and how somebody else registers them
 */
export async function registerSearchAttributes(connection: ConnectionLike, namespace: string): Promise<void> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedType[type]])),
    });
  } catch (error) {
    if (!isRefused(error)) throw error;
    const commands = missing.map(
      ({ name, type }) =>
        `  temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${cliType[type]}`,
    );
    const names = missing.map(({ name, type }) => `${name} (${cliType[type]})`).join(', ');
    throw new RegisteringNotAllowed(
      `This client may not register search attributes in the namespace ${namespace}, and these are missing: ${names}. ` +
        `In Temporal Cloud add them to the namespace (its page, or tcld namespace search-attributes add); elsewhere let an administrator run:\n${commands.join('\n')}\nThen run migrate again.`,
      { cause: error },
    );
  }
}

/** As the `temporal` program calls the types. */
const cliType = { KEYWORD: 'Keyword', BOOL: 'Bool', KEYWORD_LIST: 'KeywordList' } as const;

/** gRPC's codes of a call that is not allowed, or that the server does not offer to clients. */
const refusals = [7, 12];

const isRefused = (error: unknown) =>
  error instanceof Error && 'code' in error && refusals.includes(Number(error.code));

/** Search attributes that are not registered yet. @throws SearchAttributeOfAnotherType */
export async function missingSearchAttributes(connection: ConnectionLike, namespace: string) {
  const answer = await connection.operatorService.listSearchAttributes({ namespace });
  const registered = (answer.customAttributes ?? {}) as Registered;
  return Object.values(searchAttributes).filter(({ name, type }) => {
    const found = registered[name];
    if (found === undefined) return true;
    if (found !== indexedType[type]) {
      throw new SearchAttributeOfAnotherType(
        `The Temporal search attribute ${name} is registered with another type than ${type}. Remove it (temporal operator search-attribute remove --name ${name}) and run migrate again.`,
      );
    }
    return false;
  });
}

interface ConnectionLike {
  operatorService: {
    listSearchAttributes(request: { namespace: string }): Promise<{ customAttributes?: unknown }>;
    addSearchAttributes(request: { namespace: string; searchAttributes: Record<string, number> }): Promise<unknown>;
  };
}
