/** The simulated Mailprotector console in a browser, as a person uses it. */
import type { Page } from 'playwright-core';
import { until } from '../../dev/until.ts';
import { consolePassword } from '../../simulators/mailprotector/managers.ts';

export function portalOn(portal: Page) {
  const press = (name: string) => portal.getByRole('button', { name, exact: true }).click();
  return {
    press,
    region: (name: string) => portal.getByRole('region', { name, exact: true }),
    async logIn(): Promise<void> {
      await portal.getByLabel('E-mail address').fill('admin@msp.example');
      await portal.getByLabel('Password').fill(consolePassword);
      await press('Log in');
      await portal.getByRole('navigation', { name: 'Main' }).waitFor();
    },
    goTo: (page: 'Customers' | 'Integrations') =>
      portal.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: page }).click(),
    /** Selects every customer and clicks Link Selected Customers. @param count how many there are */
    async linkAll(count: number): Promise<void> {
      await portal.getByRole('checkbox', { name: `Select all ${count} customers` }).check();
      await press('Link Selected Customers');
      await portal.getByText(`${count} customers are linked with Gradient MSP.`).waitFor();
    },
    /** Clicks Update Counts. @returns what the page then says of it */
    async updateCounts(): Promise<string> {
      const counts = portal.getByRole('region', { name: 'Usage counts', exact: true });
      const before = await counts.innerText();
      await press('Update Counts');
      return until('its result', async () => {
        const text = await counts.innerText();
        return text.includes('Last result') && text !== before ? text.replaceAll(/\s+/g, ' ') : undefined;
      });
    },
  };
}
