/**
 * Walks with a vendor of which nothing is known but the key and the name in the configuration. It has services of its own, and
 * pushes them, as a program that was written for Gradient does.
 */
import type { WorldLine, WorldCompany } from '../../simulators/world.ts';
import { anyVendor, type Stack } from '../stack/stack.ts';
import { until } from '../until.ts';
import { createApiClient } from './apiClient.ts';
import type { Checks } from './checks.ts';
import {
  createPsaConnection,
  person,
  reach,
  signOff,
  untilApprovalClosed,
  untilConnected,
  type CardView,
  type IntegrationView,
} from './guide.ts';
import { same } from './expectedUsage.ts';
import { psaOfStack } from './simulatorAdmin.ts';

/** Names as a person gives them: nothing in them is safe in an address. */
const services = ['Sicherung für Server', 'Backup 1/2 TB + Archiv'];
const account = { id: 'Kunde 1/Ö', name: 'Müller & Söhne (Zentrale)' };
/** A product that no service of Mailprotector is billed as. */
const productId = 'MP-"Q"-1';

/** @throws Error when the check does not hold */
export async function walkAnyVendor(stack: Stack, checks: Checks): Promise<void> {
  const api = createApiClient(stack.api, stack.token);
  const psa = psaOfStack(stack);
  const psaName = `Acme ${psa.name}, for a vendor of any kind`;
  const system = { api, psa };
  const world = () => psa.state<{ companies: WorldCompany[]; products: { id: number; identifier: string }[] }>();

  await checks.run('push.anyVendor', async () => {
    const { items: vendors } = await api.get<{ items: { id: string; intakes: { intake: string }[] }[] }>('/v1/vendors');
    same(
      vendors.find(({ id }) => id === anyVendor.id)?.intakes.map(({ intake }) => intake),
      ['push'],
      'what it can do',
    );

    const connections = await api.all<{ id: string; name: string }>('/v1/psa-connections');
    const known = connections.find(({ name }) => name === psaName)?.id;
    const psaConnectionId = known ?? (await createPsaConnection(system, undefined, psaName));
    const { id, key } = await connect(psaConnectionId);
    const at = `/v1/integrations/${id}`;
    for (const workflow of [`psa/${psaConnectionId}`, `connect/${id}`, `sync/${id}`]) stack.noteWorkflow(workflow);
    const isDone = async (step: string) =>
      (await api.get<IntegrationView>(at)).process.steps.some((row) => row.step === step && row.state === 'done');
    const push = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${stack.api}/api/vendor-api${path}`, {
        method,
        headers: {
          'GRADIENT-TOKEN': Buffer.from(`${anyVendor.key}:${key}`).toString('base64'),
          'content-type': 'application/json',
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return {
        status: response.status,
        body: (await response.json()) as { data: { skus: { id: string; name: string }[] } },
      };
    };

    const skus = async () => (await push('GET', '')).body.data.skus;
    if (!known) same(await skus(), [], 'services before the vendor created any');
    for (const name of services)
      await push('POST', '/service', { name, description: '', category: 'backup', subcategory: 'cloud backup' });
    const made = await skus();
    same(made.map(({ name }) => name).toSorted(), services.toSorted(), 'services that the vendor sees');
    await push('PATCH', '/organization/status/pending');
    await push('POST', '/organization/accounts', [account]);

    // The MSP bills one of its customers for the vendor's product; nothing else in this walkthrough counts it.
    const { company, line } = await billed();
    if (!(await isDone('mapAccounts'))) {
      await reach(system, id, 'mapAccounts');
      await api.decide('PUT', `${at}/accounts/${encodeURIComponent(account.id)}`, 'mapping', {
        psaAccountId: String(company.id),
      });
      await person.mapAccounts(system, id);
    }
    if (!(await isDone('mapServices'))) {
      await reach(system, id, 'mapServices');
      const search = `/v1/psa-connections/${psaConnectionId}/products?search=${encodeURIComponent(productId)}`;
      const [product] = await api.all<{ id: string }>(search);
      for (const service of await api.all<{ id: string }>(`${at}/services`))
        await api.decide('PUT', `${at}/services/${encodeURIComponent(service.id)}`, 'mapping', {
          productIds: [product?.id],
          combine: 'add',
        });
      await api.post(`${at}/steps/mapServices/complete`);
    }
    if (!(await isDone('finish'))) await person.finish(system, id);

    // One more than is billed: a start on the same state counts up again, and a larger step would be held as a swing.
    const total = line.quantity + 1;
    const counts = [total - 1, 1];
    for (const [index, name] of services.entries()) {
      const sku = made.find((each) => each.name === name);
      const answer = await push('POST', `/service/${sku?.id}/count`, {
        accountId: account.id,
        unitCount: counts[index],
      });
      same(answer.status, 201, `the answer to the count of "${name}"`);
    }
    await untilConnected(system, id);
    const card = await until('the card to show what was pushed', async () => {
      const cards = await api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`);
      return cards.find((each) => each.usage === total && each.write !== null);
    });

    await api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
    const { approval } = await signOff(system, [card]);
    const { counts: outcomes } = await untilApprovalClosed(system, approval.id);
    same(outcomes['applied'], 1, 'lines that were applied');
    same((await billed()).line.quantity, total, `the quantity in ${psa.name}`);
    return `${services.map((name) => `"${name}"`).join(' and ')} of ${anyVendor.name} were pushed, mapped and approved: ${line.quantity} → ${total}`;
  });

  async function connect(psaConnectionId: string): Promise<{ id: string; key: string }> {
    const integrations = await api.all<IntegrationView>('/v1/integrations');
    const known = integrations.find((row) => row.psaConnectionId === psaConnectionId);
    if (known) {
      const { key } = await api.post<{ key: string }>(`/v1/integrations/${known.id}/key`, { overlapHours: 0 });
      return { id: known.id, key };
    }
    const { integration, key } = await api.post<{ integration: IntegrationView; key: string }>('/v1/integrations', {
      vendor: anyVendor.id,
      psaConnectionId,
      intake: 'push',
      modules: ['billing'],
    });
    return { id: integration.id, key };
  }

  /** The line of the vendor's product; the first time it is added in the PSA. */
  async function billed(): Promise<{ company: WorldCompany; line: WorldLine }> {
    const { companies, products } = await world();
    const product = products.find(({ identifier }) => identifier === productId);
    const lineOf = ({ agreements }: WorldCompany) =>
      agreements.flatMap(({ lines }) => lines).find((each) => each.productId === product?.id);
    const company = companies.find((each) => lineOf(each));
    const line = company && lineOf(company);
    if (company && line) return { company, line };
    const plain = companies.find(
      ({ status, type, agreements: [main, second] }) =>
        status === 'Active' &&
        type === 'Client' &&
        !second &&
        main?.status === 'Active' &&
        main.billingCycle === 'Monthly',
    );
    const [agreement] = plain?.agreements ?? [];
    if (!product || !agreement) throw new Error(`${psa.name} has no plain customer with an agreement.`);
    await psa.change({
      change: 'addLine',
      agreementId: agreement.id,
      line: {
        id: 70_000_001,
        productId: product.id,
        quantity: 4,
        included: 0,
        unitPrice: 10,
        billing: 'billed',
        from: agreement.startDate,
        until: null,
      } satisfies WorldLine,
    });
    return billed();
  }
}
