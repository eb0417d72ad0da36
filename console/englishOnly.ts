import type { Plugin } from 'vite';

/** A file of React Aria's words in another language than the console is written in. */
const otherLanguage =
  /[\\/]node_modules[\\/]react-(?:aria|stately)[^?]*[\\/]intl[\\/].*[\\/](?!en-US\b)[a-z]{2}-[A-Z]{2}\.m?js$/;

/**
 * Gives React Aria its English words in place of those of 33 other languages, which are a fifth of what a page weighs. The
 * console is in English, so a screen reader would mix two languages with them.
 */
export function englishOnly(): Plugin {
  return {
    name: 'english-only',
    enforce: 'pre',
    load(id) {
      if (!otherLanguage.test(id)) return null;
      const ending = id.slice(id.lastIndexOf('.'));
      return `export { default } from './en-US${ending}';`;
    },
  };
}
