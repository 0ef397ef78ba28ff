/** What a query asks for: the words of the index that it means, and how sure each is meant. */
import type * as Vocabulary from "./Vocabulary.ts"
import * as Words from "./Words.ts"

/** More is not read of a query: characters, and different words. */
const maxText = 20_000
const maxWords = 200
/** So many unknown words are looked at as misspelled. */
const maxMisspelled = 6

/** What a word counts that is meant less surely than one that is written out. */
const sureness = {
  /** "file system: write a file": what stands before the colon is about the server. */
  beforeColon: 0.7,
  /** "file system" is `filesystem` as well. */
  joined: 0.7,
  misspelled: 0.5,
  otherVerb: 0.2
}

/** Words by number, each with how sure it is meant: more than 0, at most 1. */
export type Asked = ReadonlyMap<number, number>

const colon = /^([^:]{1,100}):(?!\/\/)(.*\S.*)$/s

/** Reads a query. */
export const read = (query: string, vocabulary: Vocabulary.Vocabulary): Asked => {
  const asked = new Map<number, number>()
  let words = 0
  let misspelled = 0
  const mean = (word: string, sure: number): boolean => {
    const id = vocabulary.idOf(word)
    if (id !== undefined) asked.set(id, Math.max(asked.get(id) ?? 0, sure))
    return id !== undefined
  }
  const guess = (word: string, sure: number): void => {
    if (word.length < 4 || word.length > 20 || ++misspelled > maxMisspelled) return
    for (const spelling of new Set([word, Words.stem(word)])) {
      for (const other of vocabulary.like(spelling)) mean(other, sure * sureness.misspelled)
    }
  }
  const readPart = (text: string, sure: number): void => {
    let last = ""
    for (const word of Words.of(text)) {
      if (++words > maxWords) return
      const stem = Words.stem(word)
      if (!mean(stem, sure)) guess(word, sure)
      for (const verb of Words.likeVerb(stem)) mean(verb, sure * sureness.otherVerb)
      if (last.length > 1 && word.length > 1) mean(Words.stem(last + word), sure * sureness.joined)
      last = word
    }
  }
  const text = query.slice(0, maxText)
  const [, server, tool] = colon.exec(text) ?? []
  readPart(tool ?? text, 1)
  if (server !== undefined) readPart(server, sureness.beforeColon)
  return asked
}
