/** Answers that ConnectWise gives of any resource. */
import type { SimAnswer } from '../kit/simulator.ts';

export type Row = Record<string, unknown>;

export const failure = (status: number, code: string, message: string): SimAnswer => ({
  status,
  body: { code, message },
});
export const noEndpoint = () => failure(404, 'ConnectWiseApi', 'The endpoint does not exist.');
export const notFound = () => failure(404, 'NotFound', 'The record does not exist.');
