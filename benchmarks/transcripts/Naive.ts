/** What **simple readers** make of files of Claude Code: the first line of an answer counts, or every line does. */
import { createReadStream } from "node:fs"
import { createInterface } from "node:readline"

/** Tokens as `[input, written to the cache, read from the cache, output]`. */
export interface Naive {
  readonly firstLine: ReadonlyArray<number>
  readonly everyLine: ReadonlyArray<number>
}

const kinds = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"]

/** Reads some files. */
export const read = async (files: ReadonlyArray<string>): Promise<Naive> => {
  const seen = new Set<string>()
  const firstLine = [0, 0, 0, 0]
  const everyLine = [0, 0, 0, 0]
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const message = messageOf(line)
      if (message?.usage === undefined) continue
      const isFirst = !seen.has(message.id)
      seen.add(message.id)
      for (const [at, kind] of kinds.entries()) {
        const count = message.usage[kind] ?? 0
        everyLine[at] = (everyLine[at] ?? 0) + count
        if (isFirst) firstLine[at] = (firstLine[at] ?? 0) + count
      }
    }
  }
  return { firstLine, everyLine }
}

interface Message {
  readonly id: string
  readonly usage?: Readonly<Record<string, number>>
}

const messageOf = (line: string): Message | undefined => {
  try {
    const { message }: { readonly message?: Message } = JSON.parse(line)
    return message
  } catch {
    return undefined
  }
}
