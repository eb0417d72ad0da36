/**
 * Links that are shown once. The secret stands behind the `#`, which a browser sends to nobody: it is in no log, no proxy and no
 * `Referer`.
 */

/** @param at address of the console, without a slash at its end */
export const joinLink = (at: string, secret: string): string => `${at}/join#${secret}`;

/** @param at address of the console, without a slash at its end */
export const signInLink = (at: string, secret: string): string => `${at}/link#${secret}`;
