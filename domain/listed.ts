/**
 * Lists the first few of many words for a sentence, and says how many are left out.
 *
 * @param max how many words are listed at most
 * @example listed(['a', 'b', 'c'], 2) → 'a, b and 1 more'
 */
export function listed(words: readonly string[], max = 20): string {
  const more = words.length - max;
  return more > 0 ? `${words.slice(0, max).join(', ')} and ${more.toLocaleString('en')} more` : words.join(', ');
}
