/**
 * A PSA whose writes are differences, as a model in memory: what was written shows late, answers and requests get lost, and other
 * people change the line at any moment.
 */
import { ConnectorError } from '../../connectors/errors.ts';
import type { PsaAdapter, PsaLine, SetQuantity } from '../../connectors/psa.ts';
import { compareWriteReadBack } from '../../connectors/setQuantity.ts';
import type { PsaCaps } from '../../domain/psaCaps.ts';

/** What becomes of one POST. */
export type Fate = 'answered' | 'answer_lost' | 'request_lost' | 'refused';

export function differencePsa(start: number, caps: Partial<PsaCaps> = {}) {
  /** Every difference that the PSA took, and the reading from which on it shows. */
  const taken: { by: 'us' | 'others'; operationId: string; change: number; shownFrom: number }[] = [];
  let readings = 0;
  let fates: { fate: Fate; lag: number }[] = [];

  const sum = (rows: typeof taken) => rows.reduce((total, { change }) => total + change, start);
  const line = (): PsaLine => {
    readings++;
    return {
      id: 'line-1',
      agreementId: 'managed',
      productId: 'seat',
      quantity: sum(taken.filter(({ shownFrom }) => shownFrom <= readings)),
      unitPrice: 1,
      billing: 'billable',
      status: 'active',
      version: '',
    };
  };
  const failure = (mayHaveActed: boolean) =>
    new ConnectorError({ kind: 'transient', code: mayHaveActed ? 'timeout' : 'network', detail: 'lost', mayHaveActed });

  async function post({ operationId, from, to, claim }: SetQuantity): Promise<void> {
    const { fate, lag } = fates.shift() ?? { fate: 'answered', lag: 0 };
    if (Date.now() >= (await claim())) throw failure(false);
    if (fate === 'refused') throw new ConnectorError({ kind: 'permanent', code: 'invalid_request', detail: 'no' });
    if (fate !== 'request_lost')
      taken.push({ by: 'us', operationId, change: to - from, shownFrom: readings + 1 + lag });
    if (fate !== 'answered') throw failure(true);
  }

  const adapter: Pick<PsaAdapter, 'caps' | 'getAgreement' | 'getLine' | 'setQuantity'> = {
    caps: {
      decimals: 0,
      takesEffect: 'at_once',
      writes: 'difference',
      proration: 'none',
      searchesReference: false,
      zero: 'taken',
      agreementsPerList: 1,
      ...caps,
    },
    getAgreement: async () => null,
    getLine: async () => line(),
    setQuantity: (command) =>
      compareWriteReadBack({ psa: 'The model', grant: '', getLine: async () => line(), send: post }, command),
  };
  return {
    adapter,
    taken,
    fateOfPosts: (next: typeof fates) => void (fates = [...next]),
    changedByOthers: (change: number, lag: number) =>
      void taken.push({ by: 'others', operationId: '', change, shownFrom: readings + 1 + lag }),
    /** What the PSA holds, and will bill. */
    truth: () => sum(taken),
  };
}
