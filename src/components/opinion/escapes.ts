/** Stands after an escape while rules are applied: a character that no text has. */
export const mark = '\uFDD0';

const escapes = /\p{Cc}\[[\d;]{0,16}m|\\(?:x1b\[[\d;]{0,16}m|x[\da-f]{2}|u\{[\da-f]{1,6}\}|u[\da-f]{4}|[abfnrtv0])/giu;

/** The text with a mark after each escape (`\n`, `\x09`, a colour), so that none is taken for the start of the word behind it. */
export const marked = (text: string) => text.replaceAll(mark, '').replace(escapes, (found) => found + mark);

export const unmarked = (text: string) => text.replaceAll(mark, '');
