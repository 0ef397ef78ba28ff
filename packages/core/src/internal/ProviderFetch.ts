/**
 * The way of an SDK's requests to its provider, narrower than the platform's own: no redirect is followed, since the key would
 * go along; a web page is no answer; and no text holds half of a character, which APIs refuse for good.
 */

/** Half of a surrogate pair, as `JSON.stringify` writes it. A backslash that is text stands there twice. */
const loneSurrogate = /((?<!\\)(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g

/** JSON without halves of characters. */
export const wellFormed = (json: string): string =>
  json.includes("\\ud") ? json.replace(loneSurrogate, "$1\\ufffd") : json

/** Sends a request. Fails for a redirect and for a web page, as for a connection that broke. */
export const fetch: typeof globalThis.fetch = async (input, init) => {
  const body = typeof init?.body === "string" ? { body: wellFormed(init.body) } : {}
  const response = await globalThis.fetch(input, { ...init, ...body, redirect: "manual" })
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    // Whole it may hold more than a reader should see.
    const where = URL.parse(response.headers.get("location") ?? "", response.url)?.origin ?? "nowhere"
    throw new Error(`the server redirects to ${where}, and the key is not sent there: check the base URL`)
  }
  if (response.ok && /^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
    await response.body?.cancel()
    throw new Error("a web page came in the place of an answer: something on the way answers for the provider")
  }
  return response
}
