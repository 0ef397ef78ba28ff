/** Finds many texts in one pass, whatever the case of their letters (Aho and Corasick). ASCII alone. */

/** Finds all of some texts. */
export interface TextSearch {
  /** Calls `found` with the index of a text and where it begins, for every place, in the order in which they end. */
  readonly run: (text: string, found: (index: number, at: number) => void) => void
}

/** Prepares the search. `texts` are in lower case and not empty. */
export const make = (texts: ReadonlyArray<string>): TextSearch => {
  const classOf = new Uint8Array(128)
  let classes = 1
  for (const char of new Set(texts.join(""))) {
    const code = char.charCodeAt(0)
    classOf[code] = classes
    classOf[char.toUpperCase().charCodeAt(0)] = classes
    classes++
  }
  const states = 1 + texts.reduce((sum, text) => sum + text.length, 0)
  const next = new Int32Array(states * classes)
  const ends: Array<Array<number>> = [[]]
  let count = 1
  for (const [index, text] of texts.entries()) {
    let state = 0
    for (let at = 0; at < text.length; at++) {
      const slot = state * classes + (classOf[text.charCodeAt(at)] ?? 0)
      if (next[slot] === 0) {
        next[slot] = count
        ends[count] = []
        count++
      }
      state = next[slot] ?? 0
    }
    ends[state]?.push(index)
  }
  // Breadth first: where a text does not go on, the longest end of it that begins another one does.
  const fallback = new Int32Array(count)
  const queue: Array<number> = []
  for (let cls = 0; cls < classes; cls++) if (next[cls] !== 0) queue.push(next[cls] ?? 0)
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0
    const back = fallback[state] ?? 0
    ends[state]?.push(...(ends[back] ?? []))
    for (let cls = 0; cls < classes; cls++) {
      const child = next[state * classes + cls] ?? 0
      const other = next[back * classes + cls] ?? 0
      if (child === 0) next[state * classes + cls] = other
      else {
        fallback[child] = other
        queue.push(child)
      }
    }
  }
  const hasEnd = Uint8Array.from({ length: count }, (_, state) => ((ends[state]?.length ?? 0) > 0 ? 1 : 0))
  const sizes = texts.map((text) => text.length)
  return {
    run: (text, found) => {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at)
        state = next[state * classes + (code < 128 ? (classOf[code] ?? 0) : 0)] ?? 0
        if (hasEnd[state] === 1) for (const index of ends[state] ?? []) found(index, at + 1 - (sizes[index] ?? 0))
      }
    }
  }
}
