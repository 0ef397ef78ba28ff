/** What goes wrong beside what a tester looks at, and what a page tries that a tester does not follow: heard from the browser. */
import type { BrowserContext, ConsoleMessage, Page, Request } from "playwright-core"

const most = 50

/** What was heard since the session began. */
export interface Troubles {
  readonly add: (trouble: string) => void
  readonly follow: (context: BrowserContext, page: Page, isOurs: (url: string) => boolean) => void
  /** All of it, bounded. */
  readonly list: () => ReadonlyArray<string>
  /** What was thrown and not caught. */
  readonly thrown: () => ReadonlyArray<string>
  /** Requests that are not answered yet, and that the page needs to come to rest. */
  readonly loading: () => number
  /** Where the page itself was led that is out of the app, last. */
  readonly leftFor: () => string | undefined
}

/** Whether a message tells that there is no icon. The browser asks for one by itself, and an app need have none. */
const isOfIcon = (message: ConsoleMessage): boolean => {
  const { url } = message.location()
  return (
    message.text().startsWith("Failed to load resource") &&
    URL.canParse(url) &&
    new URL(url).pathname === "/favicon.ico"
  )
}

const short = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line.length > 300 ? `${line.slice(0, 300).toWellFormed()}…` : line
}

/** Begins to listen. */
export const make = (): Troubles => {
  const all: Array<string> = []
  const thrown: Array<string> = []
  const loading = new Set<Request>()
  let more = 0
  let leftFor: string | undefined
  const add = (trouble: string) => {
    const line = short(trouble)
    if (all.includes(line)) return
    if (all.length < most) all.push(line)
    else more++
  }
  const isAwaited = (request: Request) => ["document", "script", "fetch", "xhr"].includes(request.resourceType())

  return {
    add,
    list: () => (more === 0 ? all : [...all, `… and ${more} more`]),
    thrown: () => thrown,
    loading: () => loading.size,
    leftFor: () => leftFor,
    follow: (context, page, isOurs) => {
      context.on("page", (other) => {
        if (other === page) return
        add(`a window was opened and closed: ${other.url()}`)
        void other.close().catch(() => undefined)
      })
      page.on("pageerror", (error) => {
        add(`thrown: ${error.message}`)
        if (thrown.length < most) thrown.push(short(error.message))
      })
      page.on("console", (message) => {
        if (message.type() === "error" && !isOfIcon(message)) add(`console: ${message.text()}`)
      })
      page.on("dialog", (dialog) => {
        add(`${dialog.type()} was accepted: ${dialog.message()}`)
        void dialog.accept(dialog.defaultValue()).catch(() => undefined)
      })
      page.on("download", (download) => {
        add(`a download was refused: ${download.url()}`)
        void download.cancel().catch(() => undefined)
      })
      // Of windows that a page opens as well: what they ask for is refused before they are closed.
      context.on("request", (request) => {
        if (isAwaited(request)) loading.add(request)
        if (!isOurs(request.url())) add(`refused: ${request.url()}`)
      })
      page.on("request", (request) => {
        if (isOurs(request.url()) || !request.isNavigationRequest()) return
        if (request.frame() === page.mainFrame()) leftFor = request.url()
      })
      page.on("response", (response) => {
        if (response.status() >= 500 && isOurs(response.url())) {
          add(`${response.request().method()} ${response.url()} was answered with ${response.status()}`)
        }
      })
      context.on("requestfinished", (request) => loading.delete(request))
      context.on("requestfailed", (request) => {
        loading.delete(request)
        if (isOurs(request.url()))
          add(`failed: ${request.method()} ${request.url()}: ${request.failure()?.errorText ?? ""}`)
      })
      page.on("websocket", (socket) => {
        if (!isOurs(socket.url())) add(`refused: ${socket.url()}`)
      })
    }
  }
}
