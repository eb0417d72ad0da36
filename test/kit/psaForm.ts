import type { Page } from 'playwright-core';
import { members } from '../../simulators/connectwise/members.ts';
import type { System } from './system.ts';

/** Types the credentials of a member of the simulated ConnectWise into the form that asks for them. */
export async function typePsa(
  page: Page,
  { connectwise }: Pick<System, 'connectwise'>,
  member: keyof typeof members,
  over: { site?: string; privateKey?: string } = {},
): Promise<void> {
  const { publicKey = '', privateKey = '' } = members[member] ?? {};
  await page.getByLabel('Site').fill(over.site ?? connectwise.url);
  await page.getByLabel('Company ID').fill('acme');
  await page.getByLabel('Public Key').fill(publicKey);
  await page.getByLabel('Private Key').fill(over.privateKey ?? privateKey);
}
