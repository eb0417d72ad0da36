import { afterAll, beforeAll } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { proveSecurity } from '../kit/apiSecurity.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

proveSecurity(['PSA data'], () => harness);
