/**
 * Some of many, for a sentence: what is left out is said.
 *
 * @param max how many a person reads
 * @example listed(['a', 'b', 'c'], 2) → 'a, b and 1 more'
 */
export function listed(words: readonly string[], max = 20): string {
  const more = words.length - max;
  return more > 0 ? `${words.slice(0, max).join(', ')} and ${more.toLocaleString('en')} more` : words.join(', ');
}
