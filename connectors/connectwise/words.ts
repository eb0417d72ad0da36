/** What ConnectWise calls things, so that a page can name them as the people who work in ConnectWise do. */
import type { PsaWords } from '../psa.ts';

export const connectwiseWords: PsaWords = {
  account: { one: 'company', many: 'companies' },
  product: { one: 'product', many: 'products' },
  productId: 'Product ID',
  agreement: { one: 'agreement', many: 'agreements' },
  line: { one: 'addition', many: 'additions' },
  board: { one: 'service board', many: 'service boards' },
  ticket: { one: 'service ticket', many: 'service tickets' },
};
