/** The words of all shelves by number, and how many documents have each. A word that nobody has any more leaves no trace. */

/** Words by number. */
export interface Vocabulary {
  /** The number of a word that a document has. */
  readonly idOf: (word: string) => number | undefined
  /** How many documents have it. */
  readonly documents: (id: number) => number
  /** Counts documents in, and answers with the number. */
  readonly add: (word: string, documents: number) => number
  /** Counts documents out. */
  readonly drop: (id: number, documents: number) => void
  /** Words that differ from this one by one letter: one too many, one missing, one other, or two that changed places. */
  readonly like: (word: string) => ReadonlySet<string>
  readonly bytes: () => number
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

/** An empty one. */
export const make = (): Vocabulary => {
  const ids = new Map<string, number>()
  const words: Array<string> = []
  const free: Array<number> = []
  let counts = new Uint32Array(1024)
  const grown = (): Uint32Array<ArrayBuffer> => {
    const larger = new Uint32Array(counts.length * 2)
    larger.set(counts)
    return larger
  }
  const add = (word: string, documents: number): number => {
    const id = ids.get(word) ?? free.pop() ?? words.length
    if (id >= counts.length) counts = grown()
    if (counts[id] === 0) {
      ids.set(word, id)
      words[id] = word
    }
    counts[id] = (counts[id] ?? 0) + documents
    return id
  }
  const drop = (id: number, documents: number): void => {
    counts[id] = (counts[id] ?? 0) - documents
    if (counts[id] !== 0) return
    ids.delete(words[id] ?? "")
    words[id] = ""
    free.push(id)
  }
  const like = (word: string): ReadonlySet<string> => {
    const found = new Set<string>()
    const look = (other: string): void => {
      if (ids.has(other)) found.add(other)
    }
    for (let n = 0; n <= word.length; n++) {
      const before = word.slice(0, n)
      const after = word.slice(n)
      const rest = word.slice(n + 1)
      if (n < word.length) look(before + rest)
      if (n < word.length - 1) look(before + after.charAt(1) + after.charAt(0) + word.slice(n + 2))
      for (const letter of letters) {
        look(before + letter + after)
        if (n < word.length) look(before + letter + rest)
      }
    }
    return found
  }
  return {
    idOf: (word) => ids.get(word),
    documents: (id) => counts[id] ?? 0,
    add,
    drop,
    like,
    // An entry of a map takes about 40 bytes beside its word.
    bytes: () => counts.byteLength + words.reduce((sum, word) => sum + word.length + 56, 0)
  }
}
