import { noteRefused, type RefusedPost } from '../../db/queries/refusedPosts.ts';
import { VendorApiError, type VendorContext } from './responses.ts';

/**
 * Runs `body`, and records a refusal of the post, so that not only the vendor learns of it. Our own errors are not refusals.
 *
 * @throws what `body` threw
 */
export async function notingRefusals<T>(
  c: VendorContext,
  post: Omit<RefusedPost, 'detail'>,
  body: () => Promise<T> | T,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof VendorApiError)
      await noteRefused(c.get('deps').db, c.get('integration').id, [{ ...post, detail: error.message }]);
    throw error;
  }
}
