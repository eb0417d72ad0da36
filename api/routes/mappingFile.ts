/** All mappings of an integration as a file: to keep them, to correct them in a spreadsheet, to copy them to another integration. */
import { z } from '@hono/zod-openapi';
import { importMappings } from '../../commands/mappingFile.ts';
import { readMappings } from '../../db/queries/mappingFile.ts';
import { writeMappings } from '../../domain/mappingFile.ts';
import { actorFrom } from '../context.ts';
import { createRouter, exampleVersion, idParam, jsonBody, route, seenIfGiven, send, sendFile } from '../define.ts';
import { ApiProblem } from '../problem.ts';
import { commitAndAdmit } from '../commitAndAdmit.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';

const tag = 'Mapping file';

const exampleFile =
  'kind,id,name,mappedTo,mappedToName,excluded,fanOut,rounding\naccount,1001,Acme Dental,250,Acme Dental,no,,\n';

const exportMappings = route({
  method: 'get',
  path: '/v1/integrations/{id}/mappings.csv',
  operationId: 'exportMappings',
  summary: 'All mappings as a CSV file: linked customers and services, and what they are mapped to',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: z.string(),
  example: exampleFile,
  media: 'text/csv',
  problems: {},
});
const resultSchema = z
  .object({
    /** Whether the changes were made. */
    applied: z.boolean(),
    changes: z.array(
      z.object({
        line: z.int(),
        kind: z.enum(['account', 'service']),
        id: z.string(),
        name: z.string(),
        before: z.string(),
        after: z.string(),
      }),
    ),
    /** How many lines say what is already mapped so. */
    unchanged: z.int(),
    /** If there is any error, nothing is changed. */
    errors: z.array(z.object({ line: z.int(), message: z.string() })),
    version: z.string().openapi({ description: 'The version of what a dry run shows; `apply` takes it as `seen`' }),
  })
  .openapi('MappingImport');
const importFile = route({
  method: 'post',
  path: '/v1/integrations/{id}/mappings/import',
  operationId: 'importMappings',
  summary: 'Say what a CSV file of mappings would change; with `apply` make all changes, or none',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    query: seenIfGiven,
    body: jsonBody(
      z.object({
        csv: z.string().openapi({ description: 'The text of the file, as the export writes it' }),
        apply: z.boolean().default(false).openapi({
          description:
            'Absent or false: a dry run. With true, all of what the dry run has shown, whose version `seen` is',
        }),
      }),
      { csv: exampleFile, apply: false },
    ),
  },
  ok: 200,
  answer: resultSchema,
  example: {
    applied: false,
    changes: [
      {
        line: 2,
        kind: 'account' as const,
        id: '1001',
        name: 'Acme Dental',
        before: 'not mapped',
        after: 'mapped to Acme Dental (250)',
      },
    ],
    unchanged: 0,
    errors: [],
    version: `${exampleVersion}.1024`,
  },
  problems: { 409: ['disconnected', 'changed-meanwhile'], 422: ['mapping-file'] },
});

export const mappingFileRoutes = createRouter();

mappingFileRoutes.openapi(exportMappings, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  return sendFile(c, 'text/csv', `mappings-${row.id}.csv`, writeMappings(await readMappings(deps.db, row)));
});

mappingFileRoutes.openapi(importFile, async (c) => {
  const { deps, caller } = c.var;
  const { id } = await activeIntegration(deps, caller, c.req.valid('param').id);
  const { csv, apply } = c.req.valid('json');
  const { seen } = c.req.valid('query');
  if (apply && seen === undefined)
    throw new ApiProblem(400, 'invalid-request', 'A file is applied as its dry run has shown it: give its version.', {
      errors: [{ field: 'seen', message: 'is needed with apply: the version that the dry run answered' }],
    });
  const input = { csv, seen: apply ? seen : undefined };
  const imported = await commitAndAdmit(deps, id, (tx, integration) =>
    importMappings(tx, actorFrom(caller), { integration, ...input }),
  );
  return send(c, resultSchema, imported);
});
