/** Characters that can hide, reorder or smuggle text. What is done about them is for whoever shows the text. */

/**
 * Controls, lone surrogates, what Unicode lets a reader ignore (bidi marks, zero width, tags, fillers) and the two
 * separators; but line feed, tab, and the joiners and selectors that scripts and emoji need stay as they are.
 */
export const pattern: RegExp = /(?!\t|\n|\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Cs}\p{DI}\p{Zl}\p{Zp}\ufff9-\ufffb]/gu
