/** The texts that must never appear in a log or an error: those of the start, and those that come while calls are made (tokens). */

/** So many tokens that have ended are still redacted: an old one may be quoted late. */
const keptTokens = 20;

export interface Secrets {
  /** Adds a secret that came at run time. */
  add: (secret: string) => void;
  redact: (text: string) => string;
}

/** @param given keys, passwords, and the headers made from them */
export function createSecrets(given: readonly string[]): Secrets {
  const fixed = given.flatMap(formsOf);
  let added: string[][] = [];
  return {
    add(secret) {
      const forms = formsOf(secret);
      if (forms.length === 0 || added.some(([known]) => known === forms[0])) return;
      added = [...added, forms].slice(-keptTokens);
    },
    redact: (text) =>
      [...fixed, ...added.flat()].reduce((redacted, secret) => redacted.replaceAll(secret, '[redacted]'), text),
  };
}

/** A secret as it may be quoted: as it is, and as it stands in a form or an address. */
function formsOf(secret: string): string[] {
  if (secret === '') return [];
  const inForm = new URLSearchParams([['', secret]]).toString().slice(1);
  return [...new Set([secret, encodeURIComponent(secret), inForm])];
}
