/** Looks for a secret in what a page holds: it has to be gone once the person has left the page that showed it. */
import type { Page } from 'playwright-core';

/** Whether a text is anywhere in what the page shows, its address, its stores, its history. */
export async function isInPage(text: string, at: Page): Promise<boolean> {
  const stores = await at.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href])',
  );
  return `${await at.content()}${stores}`.includes(text);
}

/** @returns those of some texts that are anywhere in the memory of the page's scripts: in a kept answer, for example */
export async function foundInMemory(texts: readonly string[], at: Page): Promise<string[]> {
  const session = await at.context().newCDPSession(at);
  const found = new Set<string>();
  let end = '';
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
    const seen = end + chunk;
    for (const text of texts) if (seen.includes(text)) found.add(text);
    // A text may lie across two chunks.
    end = chunk.slice(-1_000);
  });
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return texts.filter((text) => found.has(text));
}
