/**
 * The script with which a sync is compared. It does the work of one sync as vendors' sample scripts do: one request after
 * another, without storing rows and without checks. It shares no code with our connectors.
 */
import { clientId, company, members } from '../simulators/connectwise/members.ts';
import { keys } from '../simulators/mailprotector/keys.ts';

type Row = { id: number; parent?: unknown };

/** @returns how many requests it made */
export async function readOneByOne(mailprotector: string, connectwise: string): Promise<number> {
  let requests = 0;
  const ask = async (url: string, headers: Record<string, string>): Promise<Row[]> => {
    requests++;
    return (await (await fetch(url, { headers })).json()) as Row[];
  };

  const bearer = { authorization: `Bearer ${keys.reseller}` };
  const vendor = async (path: string): Promise<Row[]> => {
    const rows: Row[] = [];
    for (let page = 1; ; page++) {
      const batch = await ask(`${mailprotector}/api/v1${path}?page=${page}&per_page=50`, bearer);
      rows.push(...batch);
      if (batch.length < 50) return rows;
    }
  };
  for (const customer of await vendor('/resellers/500/customers')) {
    for (const domain of await vendor(`/customers/${customer.id}/domains`)) {
      if (domain.parent) continue;
      for (const group of await vendor(`/domains/${domain.id}/user_groups`)) {
        await ask(`${mailprotector}/api/v1/user_groups/${group.id}/services`, bearer);
      }
    }
  }

  const { publicKey, privateKey } = members['full'] ?? { publicKey: '', privateKey: '' };
  const basic = {
    authorization: `Basic ${Buffer.from(`${company}+${publicKey}:${privateKey}`).toString('base64')}`,
    clientId,
  };
  const psa = async (path: string): Promise<Row[]> => {
    const rows: Row[] = [];
    for (let page = 1; ; page++) {
      const url = `${connectwise}/v4_6_release/apis/3.0${path}?page=${page}&pageSize=1000`;
      const batch = await ask(url, basic);
      rows.push(...batch);
      if (batch.length < 1000) return rows;
    }
  };
  await psa('/company/companies');
  await psa('/procurement/catalog');
  for (const agreement of await psa('/finance/agreements')) await psa(`/finance/agreements/${agreement.id}/additions`);
  return requests;
}
