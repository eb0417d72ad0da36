/** The typed search attributes of every workflow: registered by `migrate`, checked by the worker before it starts. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const searchAttributes = {
  organizationId: defineSearchAttributeKey('OrganizationId', SearchAttributeType.KEYWORD),
  integrationId: defineSearchAttributeKey('IntegrationId', SearchAttributeType.KEYWORD),
  process: defineSearchAttributeKey('Process', SearchAttributeType.KEYWORD),
  blocked: defineSearchAttributeKey('Blocked', SearchAttributeType.BOOL),
  problem: defineSearchAttributeKey('Problem', SearchAttributeType.KEYWORD),
};
