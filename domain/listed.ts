/**
 * Some of many, for a sentence: what is left out is said.
 *
 * @param most how many a person reads
 * @example listed(['a', 'b', 'c'], 2) → 'a, b and 1 more'
 */
export function listed(words: readonly string[], most = 20): string {
  const more = words.length - most;
  return more > 0 ? `${words.slice(0, most).join(', ')} and ${more.toLocaleString('en')} more` : words.join(', ');
}
