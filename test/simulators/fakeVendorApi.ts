/** As much of Gradient's Vendor API as the simulated console calls (gradient.md §4.1), written down here by itself. */
import { createServer, type IncomingMessage, type Server } from 'node:http';

interface Call {
  method: string;
  /** Below `/api/vendor-api`, with the query. */
  path: string;
  body: unknown;
}

type Answer = [status: number, body: unknown];

export interface FakeVendorApi {
  url: string;
  calls: Call[];
  /** Of a method, to paths that match. */
  callsTo(method: string, path: RegExp): Call[];
  /** Integration key → integration. */
  keys: Map<string, { integrationId: string; name: string }>;
  clients: { id: string; name: string }[];
  /** Accounts that are mapped; counts of others are 404. */
  mapped: Set<string>;
  /** What answers instead, for calls that it answers. */
  instead?: ((call: Call) => Answer | undefined | Promise<Answer | undefined>) | undefined;
  close(): Promise<void>;
}

export const fakeVendorKey = 'vendor-half';

export async function startFakeVendorApi(): Promise<FakeVendorApi> {
  const skus: { id: string; name: string }[] = [];
  const accounts = new Map<string, { id: string; name: string }>();
  const status = new Map<string, string>();
  const fake: FakeVendorApi = {
    url: '',
    calls: [],
    callsTo: (method, path) => fake.calls.filter((call) => call.method === method && path.test(call.path)),
    keys: new Map([['partner-half', { integrationId: 'integration-1', name: 'Acme Managed IT' }]]),
    clients: [],
    mapped: new Set(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '', 'http://fake');
    const text = await textOf(request);
    const call: Call = {
      method: request.method ?? '',
      path: url.pathname.replace('/api/vendor-api', '') + url.search,
      body: text === '' ? undefined : JSON.parse(text),
    };
    fake.calls.push(call);
    const [vendorKey, partnerKey = ''] = Buffer.from(String(request.headers['gradient-token']), 'base64')
      .toString()
      .split(':');
    const who = fake.keys.get(partnerKey);
    if (vendorKey !== fakeVendorKey || !who) return [401, { statusCode: 401, message: 'Unauthorized' }];
    const instead = await fake.instead?.(call);
    return instead ?? usual(call, url, who);
  }

  function usual(call: Call, url: URL, who: { integrationId: string; name: string }): Answer {
    const { method, body } = call;
    const path = url.pathname.replace('/api/vendor-api', '');
    const vendor = () => ({ name: 'Mailprotector', skus, modules: [{ variation: 'billing' }] });
    const count = /^\/service\/([^/]+)\/count$/.exec(path);
    if (method === 'POST' && count) {
      const { accountId } = body as { accountId: string };
      return fake.mapped.has(accountId)
        ? [201, { status: 201, message: 'ok' }]
        : [404, { statusCode: 404, message: `No account map found with id: ${accountId}` }];
    }
    const word = /^\/organization\/status\/(\w+)$/.exec(path)?.[1];
    if (method === 'PATCH' && word !== undefined) {
      status.set(who.integrationId, word);
      return [200, { data: {}, status: 200, message: 'ok' }];
    }
    switch (`${method} ${path}`) {
      case 'GET /organization':
        return [200, { ...who, status: status.get(who.integrationId) ?? 'inactive' }];
      case 'GET ':
      case 'PATCH ':
        return [200, { data: vendor(), status: 200, message: 'ok' }];
      case 'POST /service': {
        const { name } = body as { name: string };
        skus.push({ id: `sku-${skus.length}`, name });
        return [201, vendor()];
      }
      case 'GET /organization/accounts':
        return [200, [...accounts.values()]];
      case 'POST /organization/accounts':
        for (const account of body as { id: string; name: string }[]) accounts.set(account.id, account);
        return [201, body];
      case 'GET /organization/clients': {
        const search = (url.searchParams.get('search') ?? '').toLowerCase();
        const clients = fake.clients.filter(({ name }) => name.toLowerCase().includes(search));
        return [200, { meta: {}, clients: clients.slice(0, 100) }];
      }
      default:
        return [404, { statusCode: 404, message: `Cannot ${method} ${path}` }];
    }
  }

  const server: Server = createServer((request, response) => {
    void answer(request).then(([code, body]) => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  fake.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/api`;
  return fake;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
