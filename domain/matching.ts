/** Which vendor account is which PSA account. Only exact matches are applied; everything else is a suggestion. */

export interface Named {
  id: string;
  name: string;
}

/**
 * Pairs whose names are equal character for character and unique on both sides (invariant 4).
 *
 * @param vendorAccounts all active accounts that are not excluded, mapped or not: a mapped one also makes a name ambiguous
 * @param psaAccounts all active accounts, mapped or not
 */
export function exactMatches(
  vendorAccounts: readonly Named[],
  psaAccounts: readonly Named[],
): { vendorAccountId: string; psaAccountId: string }[] {
  const vendorByName = uniqueByName(vendorAccounts);
  const psaByName = uniqueByName(psaAccounts);
  return [...vendorByName].flatMap(([name, vendorAccountId]) => {
    const psaAccountId = psaByName.get(name);
    return vendorAccountId === null || psaAccountId === null || psaAccountId === undefined
      ? []
      : [{ vendorAccountId, psaAccountId }];
  });
}

/** Name → id, or null for a name that occurs more than once. Strings are compared as they are: no trimming, no case, no Unicode folding. */
function uniqueByName(accounts: readonly Named[]): Map<string, string | null> {
  const byName = new Map<string, string | null>();
  for (const { id, name } of accounts) byName.set(name, byName.has(name) ? null : id);
  return byName;
}

export interface Suggestion {
  id: string;
  name: string;
  /** 0 to 1; 1 means the same words. */
  score: number;
  reason: string;
}

/** Words for the legal form of a company, and other words that do not tell which company it is. */
const legalForms = new Set([
  'llc',
  'inc',
  'ltd',
  'limited',
  'gmbh',
  'corp',
  'corporation',
  'co',
  'company',
  'plc',
  'pllc',
  'pc',
  'the',
  'and',
  'ag',
  'sa',
  'bv',
]);

/** Finds the PSA accounts with the most similar names, best first, `limit` at most. Shown to a person, never applied. */
export type Suggester = (name: string, limit: number) => Suggestion[];

/** Makes a suggester for many names: it indexes the PSA accounts once. */
export function createSuggester(psaAccounts: readonly Named[]): Suggester {
  const profiles = psaAccounts.map((account) => ({ account, profile: profile(account.name) }));
  // A name that shares no trigram with the wanted one is not similar. (Two empty cores share the trigram of three spaces.)
  const byTrigram = new Map<string, typeof profiles>();
  for (const entry of profiles) {
    for (const trigram of entry.profile.trigrams) {
      const sharers = byTrigram.get(trigram);
      if (sharers) sharers.push(entry);
      else byTrigram.set(trigram, [entry]);
    }
  }
  return (name, limit) => {
    const wanted = profile(name);
    const near = new Set([...wanted.trigrams].flatMap((trigram) => byTrigram.get(trigram) ?? []));
    return [...near]
      .flatMap(({ account, profile: other }): Suggestion[] => {
        const { score, reason } = compare(wanted, other);
        return score >= 0.3 ? [{ id: account.id, name: account.name, score, reason }] : [];
      })
      .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
      .slice(0, limit);
  };
}

/**
 * How two names that look alike differ, in words; names that are equal character for character are `the same name`.
 * Only those are matched by Countersign itself (invariant 4).
 */
export function differenceOf(a: string, b: string): string {
  if (a === b) return 'the same name';
  const [left, right] = [a.normalize('NFC'), b.normalize('NFC')];
  if (left === right) return 'the same but for how an accent is stored';
  const spaced = (name: string) => name.replace(/\s+/gu, ' ').trim();
  if (spaced(left) === spaced(right)) return 'the same but for spaces';
  if (left.toLowerCase() === right.toLowerCase()) return 'the same but for capital letters';
  const bare = (name: string) => name.replace(/[^\p{L}\p{N}]+/gu, '');
  if (bare(left) === bare(right)) return 'the same but for spaces or signs';
  if (bare(left).toLowerCase() === bare(right).toLowerCase()) return 'the same but for signs and capital letters';
  return 'the same words';
}

interface Profile {
  name: string;
  words: string[];
  core: string;
  trigrams: Set<string>;
}

function profile(name: string): Profile {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  const core = words.filter((word) => !legalForms.has(word)).join(' ');
  const padded = `  ${core} `;
  const trigrams = new Set<string>();
  for (let at = 0; at + 3 <= padded.length; at++) trigrams.add(padded.slice(at, at + 3));
  return { name, words, core, trigrams };
}

function compare(a: Profile, b: Profile): { score: number; reason: string } {
  if (a.words.join(' ') === b.words.join(' ')) return { score: 1, reason: differenceOf(a.name, b.name) };
  if (a.core !== '' && a.core === b.core) return { score: 0.95, reason: 'the same but for the legal form' };
  let shared = 0;
  for (const trigram of a.trigrams) if (b.trigrams.has(trigram)) shared++;
  const score = (2 * shared) / (a.trigrams.size + b.trigrams.size || 1);
  return { score: Math.min(score, 0.94), reason: 'similar spelling' };
}
