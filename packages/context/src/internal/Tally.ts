/** What the words of a query say about each document, summed in arrays that are used again and again. */
import type * as Shelves from "./Shelves.ts"

/** A word that is asked for. */
export interface Wanted {
  readonly word: number
  readonly sure: number
  readonly weight: number
}

/** A tally. */
export interface Tally {
  /** Forgets what was summed. */
  readonly clear: () => void
  readonly add: (wanted: Wanted) => void
  /** How many documents have a word themselves. */
  readonly count: () => number
  /** The number of the nth of them. */
  readonly document: (n: number) => number
  /** What the words say about a document. */
  readonly sum: (document: number) => number
  /** How much of what was asked for it, or its server, has. */
  readonly part: (document: number) => number
  /** How many of the words are in its name, by how sure they are meant. */
  readonly named: (document: number) => number
  readonly bytes: () => number
}

/** An empty one. */
export const make = (shelves: Shelves.Shelves): Tally => {
  let sums = new Float32Array(0)
  let parts = new Float32Array(0)
  let named = new Float32Array(0)
  let touched = new Uint32Array(0)
  let touches = 0
  let serverSums = new Float32Array(0)
  let serverParts = new Float32Array(0)
  /** The last word that each server has. */
  let serverHas = new Uint32Array(0)
  let words = 0

  const clear = (): void => {
    const [documents, servers] = shelves.bounds()
    touches = 0
    words = 0
    if (documents > sums.length) {
      const length = Math.ceil(documents * 1.5)
      sums = new Float32Array(length)
      parts = new Float32Array(length)
      named = new Float32Array(length)
      touched = new Uint32Array(length)
    } else {
      for (const array of [sums, parts, named]) array.fill(0, 0, documents)
    }
    if (servers > serverSums.length) {
      const length = Math.ceil(servers * 1.5)
      serverSums = new Float32Array(length)
      serverParts = new Float32Array(length)
      serverHas = new Uint32Array(length)
    } else {
      for (const array of [serverSums, serverParts, serverHas]) array.fill(0, 0, servers)
    }
  }

  const addServers = ({ weight, word }: Wanted): void => {
    const { end, start } = shelves.ofServers.run(word)
    const holders = shelves.ofServers.holders()
    const says = shelves.ofServers.weights()
    for (let n = start; n < end; n++) {
      const server = holders[n] ?? 0
      serverSums[server] = (serverSums[server] ?? 0) + weight * (says[n] ?? 0)
      serverParts[server] = (serverParts[server] ?? 0) + weight
      serverHas[server] = words
    }
  }

  const addDocuments = ({ sure, weight, word }: Wanted): void => {
    const { end, start } = shelves.ofDocuments.run(word)
    const holders = shelves.ofDocuments.holders()
    const says = shelves.ofDocuments.weights()
    const shelfOf = shelves.shelfOf()
    for (let n = start; n < end; n++) {
      const holder = holders[n] ?? 0
      const document = holder >>> 1
      const before = sums[document] ?? 0
      if (before === 0) touched[touches++] = document
      sums[document] = before + weight * (says[n] ?? 0)
      // What the server has is counted there.
      if (serverHas[shelfOf[document] ?? 0] !== words) parts[document] = (parts[document] ?? 0) + weight
      if ((holder & 1) === 1) named[document] = (named[document] ?? 0) + sure
    }
  }

  const add = (wanted: Wanted): void => {
    words++
    addServers(wanted)
    addDocuments(wanted)
  }

  const ofServer = (values: Float32Array, document: number): number => values[shelves.shelfOf()[document] ?? 0] ?? 0

  return {
    clear,
    add,
    count: () => touches,
    document: (n) => touched[n] ?? 0,
    sum: (document) => (sums[document] ?? 0) + ofServer(serverSums, document),
    part: (document) => (parts[document] ?? 0) + ofServer(serverParts, document),
    named: (document) => named[document] ?? 0,
    bytes: () => sums.byteLength * 4 + serverSums.byteLength * 3
  }
}
