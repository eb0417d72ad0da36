import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedAlerting, seedIntegration, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const begin = (id: string) => `/v1/integrations/${id}/migration`;

test('what has alerts is not migrated, and what is still being connected neither', async () => {
  const [has, unfinished] = [
    await seedAlerting(harness.one),
    await seedIntegration(harness.one, stepsBefore('mapServices')),
  ];
  const before = await harness.dump();
  await harness.admin.problem(409, 'has-alerts', 'POST', begin(has));
  await harness.admin.problem(409, 'not-connected-yet', 'POST', begin(unfinished));
  expect(await harness.dump()).toEqual(before);
});

test('two that press at once begin it once', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const answers = await Promise.all([1, 2, 3].map(() => harness.admin.call('POST', begin(id))));
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([202, 409, 409]);
});

test('there is nothing to abandon before it began, and after it was abandoned', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const abandon = `${begin(id)}/abandon`;
  await harness.admin.problem(409, 'no-migration', 'POST', abandon);
  await harness.admin.good('POST', begin(id));
  await harness.admin.good('POST', abandon);
  await harness.admin.problem(409, 'no-migration', 'POST', abandon);
});
