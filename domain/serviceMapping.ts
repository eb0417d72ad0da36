/** What a service may be mapped to, and how. */
import type { Rounding } from './quantities.ts';

export const fanOuts = ['parts', 'alternatives'] as const;
export type FanOut = (typeof fanOuts)[number];

/** What a service is mapped to. */
export interface ServiceMapping {
  /** The PSA's own ids. */
  productIds: string[];
  fanOut: FanOut;
  rounding: Rounding;
}

export interface PsaProduct {
  /** The PSA's own id. */
  id: string;
  /** What people call it. */
  productId: string;
  active: boolean;
  /** A bundle cannot be a line of an agreement. */
  usableOnContract: boolean;
}

/** Why a service cannot be mapped to a product; undefined when it can. */
export function whyNotProduct(
  id: string,
  product: PsaProduct | undefined,
): { code: string; detail: string } | undefined {
  if (!product)
    return { code: 'unknown-product', detail: `The PSA has no product with the id ${id}, or it was not read yet.` };
  if (!product.active)
    return { code: 'inactive-product', detail: `The product ${product.productId} is inactive in the PSA.` };
  if (!product.usableOnContract)
    return {
      code: 'bundle-product',
      detail: `The product ${product.productId} is a bundle, which cannot be a line of an agreement.`,
    };
  return undefined;
}
