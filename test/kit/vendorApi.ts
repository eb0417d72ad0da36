/** Calls the Vendor API as a vendor program does. */
export const vendorKey = 'the-vendor-key-of-mailprotector';

/** The `GRADIENT-TOKEN` header. */
export const tokenOf = (vendor: string, partner: string) => Buffer.from(`${vendor}:${partner}`).toString('base64');

export interface VendorAnswer {
  status: number;
  body: any; // oxlint-disable-line no-explicit-any -- of any shape, and held against what a test expects
  headers: Headers;
}

/** Creates a service, as a vendor program does before its first count. */
export async function createService(url: string, key: string, name = 'CloudFilter'): Promise<void> {
  const filed = { description: '', category: 'security', subcategory: 'email security' };
  const { status, body } = await callVendorApi(url, tokenOf(vendorKey, key), 'POST', '/service', { name, ...filed });
  if (status !== 201) throw new Error(`The service "${name}" was not created: ${JSON.stringify(body)}`);
}

/** @param body sent as JSON; a string is sent unchanged */
export async function callVendorApi(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<VendorAnswer> {
  const response = await fetch(`${url}/api/vendor-api${path}`, {
    method,
    headers: { 'GRADIENT-TOKEN': token, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
}
