/** A `fetch` whose answers end: after so many bytes, and never without its caller knowing. */

/** What is told of a request whose answer did not come whole. */
export interface Options {
  readonly maxBytes: number
  /** The answer to a request with this body is larger. Nothing more of it is read. */
  readonly tooLarge: (body: unknown) => void
  /** The answer to a request with this body broke off, or ended. It may have been whole. */
  readonly ended: (body: unknown) => void
}

/** Wraps one. The bytes of a stream of events are counted for each event, since it may be open for long. */
export const make =
  ({ ended, maxBytes, tooLarge }: Options) =>
  async (url: string | URL, init?: RequestInit): Promise<Response> => {
    const response = await follow(url, init)
    if (response.body === null || !response.ok) return response
    const isFeed = init?.method === "GET"
    let left = maxBytes
    let isResumable = false
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        // The server promises that the rest can be fetched again.
        isResumable ||= bytes.indexOf("\nid:") !== -1 || bytes.subarray(0, 3).equals(idField)
        left = isFeed && bytes.indexOf("\n\n") !== -1 ? maxBytes : left - chunk.length
        if (left >= 0) return controller.enqueue(chunk)
        tooLarge(init?.body)
        controller.error(new Error(`The answer has more than ${maxBytes} bytes.`))
      }
    })
    response.body.pipeTo(counted.writable).then(
      () => (isResumable ? undefined : ended(init?.body)),
      () => ended(init?.body)
    )
    return new Response(counted.readable, response)
  }

/** As often a request is sent on. */
const mostHops = 5

/** Redirections stay at their server: what stands in the headers is a key for this one, and `fetch` would pass it on to any. */
const follow = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
  let at = new URL(url)
  for (let hop = 0; ; hop++) {
    const response = await fetch(at, { ...init, redirect: "manual" })
    const location = response.headers.get("location")
    if (response.status < 300 || response.status > 399 || location === null) return response
    await response.body?.cancel()
    const next = URL.parse(location, at.href)
    if (next === null || !isSameServer(at, next) || hop === mostHops) {
      throw new Error(`It sends requests on to ${next?.origin ?? "no address"}, and they are not sent there`)
    }
    at = next
  }
}

const isSameServer = (from: URL, to: URL): boolean =>
  from.origin === to.origin || (from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:")

const idField = Buffer.from("id:")
