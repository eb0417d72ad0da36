/** The page of account mapping as a person sees it, and the accounts as the API tells them. */
import type { Page } from 'playwright-core';
import { until } from '../../dev/until.ts';
import { dragOnto } from './drag.ts';
import type { System } from './system.ts';

/** A vendor account. */
export interface Account {
  id: string;
  name: string;
  apart: string | null;
  near: { name: string; reason: string }[];
  seats: number | null;
  psaAccountId: string | null;
  psaAccountName: string | null;
  how: string | null;
  excluded: boolean;
  together: number;
}

export function accountBoardOn(page: Page) {
  const psaList = page.getByRole('grid', { name: 'Companies in the PSA' });
  const vendorList = page.getByRole('grid', { name: 'Customers of Mailprotector' });
  const psaRow = (name: string) => psaList.getByRole('row', { name, exact: true });
  const vendorRow = (name: string) => vendorList.getByRole('row', { name, exact: true });
  const searchLeft = page.getByRole('searchbox', { name: 'Search companies' });
  const searchRight = page.getByRole('searchbox', { name: 'Search customers of Mailprotector' });
  const said = (words: string) => page.getByRole('status').filter({ hasText: words }).first();
  const board = {
    psaList,
    vendorList,
    psaRow,
    vendorRow,
    searchLeft,
    searchRight,
    said,
    /** Searches for a PSA account, and waits until the list has no other row that could take its place. */
    async findPsa(name: string): Promise<void> {
      await searchLeft.fill(name);
      await until('the company to be found', async () => {
        const [rows, found] = [await psaList.getByRole('row').count(), await psaRow(name).count()];
        return found === 1 && rows < 5;
      });
    },
    /** The same with a vendor account. */
    async find(name: string): Promise<void> {
      await searchRight.fill(name);
      await until('the customer to be found', async () => {
        const [rows, found] = [await vendorList.getByRole('row').count(), await vendorRow(name).count()];
        return found === 1 && rows < 5;
      });
    },
    async drag(target: { name: string }, account: { name: string }): Promise<void> {
      await board.findPsa(target.name);
      await board.find(account.name);
      await dragOnto(page, psaRow(target.name), vendorRow(account.name));
      await said(`Mapped ${account.name} to ${target.name}.`).waitFor();
    },
  };
  return board;
}

export function accountsOf(system: System, integrationId: string) {
  const at = `/v1/integrations/${integrationId}`;
  const all = () => system.api.all<Account>(`${at}/accounts?order=seats`);
  return {
    all,
    one: (id: string) => system.api.get<Account>(`${at}/accounts/${id}`),
    /** An account with a name that is like no other on either side. @throws Error when every such account is mapped or excluded */
    async anyOpen(): Promise<Account> {
      const found = (await all()).find(
        ({ psaAccountId, excluded, apart, near }) =>
          psaAccountId === null && !excluded && apart === null && near.length === 0,
      );
      if (!found) throw new Error('Every account is mapped: this test needs one that is not.');
      return found;
    },
    /** A PSA account with a name of its own, to which nothing is mapped. @throws Error when there is none */
    async anyTarget(): Promise<{ id: string; name: string }> {
      const left = await system.api.all<{ id: string; name: string; apart: string | null }>(
        `${at}/psa-accounts?mapped=false`,
      );
      const found = left.find(({ apart }) => apart === null);
      if (!found) throw new Error('The PSA has no account left.');
      return found;
    },
  };
}
