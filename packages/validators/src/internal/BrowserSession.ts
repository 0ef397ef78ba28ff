/** One tester at a page: what a session of the browser surface does, with a bound for everything that it waits for. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Browser, BrowserContext, Page } from "playwright-core"
import type * as Step from "../Step.ts"
import type * as Surface from "../Surface.ts"
import { SurfaceError } from "../Surface.ts"
import * as AppDoor from "./AppDoor.ts"
import * as PageFacts from "./PageFacts.ts"
import * as PageScript from "./PageScript.ts"
import * as PageTarget from "./PageTarget.ts"
import * as PageTroubles from "./PageTroubles.ts"
import * as StepText from "./StepText.ts"

/** How long things may take, in milliseconds. */
export interface Patience {
  /** Until an address answers. */
  readonly visit: number
  /** Until what is acted on is there, and until an expectation holds that does not say. */
  readonly check: number
  /** Until a page that computes answers anything at all. */
  readonly answer: number
}

/** Where the app is, and what else its pages may ask. */
export interface Ground {
  readonly base: URL
  readonly origins: ReadonlySet<string>
}

const longestSight = 24_000

const mostElements = 10_000

const mostClicks = 10

// How long the browser may take for what can be done, in milliseconds, however busy the machine is.
const actWithin = 15_000

const error = (reason: ConstructorParameters<typeof SurfaceError>[0]["reason"], message: string, cause?: unknown) =>
  new SurfaceError({ reason, message, cause })

const said = (cause: unknown): string => {
  const text = cause instanceof Error ? cause.message : String(cause)
  // The first line says what, and a line of the call log why a click did not arrive.
  const why = /^\s*- (.*(?:intercepts pointer|not enabled|not stable|outside of the viewport).*)$/m.exec(text)?.[1]
  return `${text.split("\n", 1)[0] ?? ""}${why === undefined ? "" : ` (${why})`}`.slice(0, 400)
}

/** Reads where an app is. */
export const ground = (app: Surface.App): Effect.Effect<Ground, SurfaceError> =>
  Effect.suspend(() => {
    const isWeb = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    const wrong = [app.address, ...(app.origins ?? [])].find((text) => !isWeb(text))
    if (wrong !== undefined) {
      return error(
        "NotPossible",
        `${JSON.stringify(wrong)} is no address of a page. Give one that begins with http:// or https://.`
      )
    }
    const base = new URL(app.address)
    base.hash = ""
    base.search = ""
    if (!base.pathname.endsWith("/") && !/\.[a-z]+$/i.test(base.pathname)) base.pathname += "/"
    return Effect.succeed({
      base,
      origins: new Set([base.origin, ...(app.origins ?? []).map((text) => new URL(text).origin)])
    })
  })

/** Opens a page as for a new user, in a browser that runs, until the scope closes. */
export const open = Effect.fnUntraced(function* (
  browser: Browser,
  { base, origins }: Ground,
  { hasOwnWayOut, patience }: { readonly hasOwnWayOut: boolean; readonly patience: Patience }
): Effect.fn.Return<Surface.Session, SurfaceError, Scope.Scope> {
  const troubles = PageTroubles.make()
  const door = hasOwnWayOut ? undefined : yield* AppDoor.open(origins)
  const context = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        browser.newContext({
          acceptDownloads: false,
          colorScheme: "light",
          locale: "en-US",
          reducedMotion: "reduce",
          serviceWorkers: "block",
          timezoneId: "UTC",
          viewport: { width: 1280, height: 800 },
          ...(door !== undefined && { proxy: { server: door.proxy, bypass: "<-loopback>" } })
        }),
      catch: (cause) => error("Crashed", `The browser opens no window: ${said(cause)}. Open another session.`, cause)
    }),
    close
  )
  const page = yield* Effect.tryPromise({
    try: () => context.newPage(),
    catch: (cause) => error("Crashed", `The browser opens no page: ${said(cause)}. Open another session.`, cause)
  })
  troubles.follow(context, page, (url) => isOurs(origins, url))
  return make({ base, origins, page, patience, troubles })
})

/** What a session works with. */
interface Parts extends Ground {
  readonly page: Page
  readonly patience: Patience
  readonly troubles: PageTroubles.Troubles
}

// A page that never comes to rest does not keep its window: the browser ends it apart from the page.
const close = (context: BrowserContext): Effect.Effect<void> =>
  Effect.ignore(
    Effect.timeout(
      Effect.tryPromise(() => context.close()),
      "5 seconds"
    )
  )

const isOurs = (origins: ReadonlySet<string>, url: string): boolean =>
  !/^(?:https?|wss?):/.test(url) || (URL.canParse(url) && origins.has(new URL(url).origin.replace(/^ws/, "http")))

const make = (parts: Parts): Surface.Session => {
  const { page, patience, troubles } = parts
  let gone: SurfaceError | undefined
  const end = (what: string) => (gone ??= error("Crashed", `${what} Open another session.`))
  page.on("crash", () => end("The page broke down: it took more memory than there is, or broke the browser."))
  page.on("close", () => end("The page is closed."))

  const answers = Effect.tryPromise(() => page.evaluate("1"))
  /** Fails when the page answers nothing for a while. It is asked beside what it does, which can wait for it for long. */
  const watch = (what: string): Effect.Effect<never, SurfaceError> =>
    answers.pipe(
      Effect.timeoutOrElse({
        duration: patience.answer,
        orElse: () =>
          Effect.suspend(() =>
            end(`${what}: the page does not answer any more: it computes without an end, or broke down.`)
          )
      }),
      // It goes somewhere else right now.
      Effect.catchTag("UnknownError", () => Effect.void),
      Effect.andThen(Effect.sleep("1 second")),
      Effect.forever
    )

  /** Does something within a time, as long as the page answers. */
  const within = <A>(what: string, most: number, work: () => Promise<A>): Effect.Effect<A, SurfaceError> =>
    Effect.suspend(() => {
      if (gone !== undefined) return gone
      const working = Effect.tryPromise({
        try: work,
        catch: (cause) =>
          gone ??
          (cause instanceof SurfaceError
            ? cause
            : error("NotPossible", `${what} is not possible: ${said(cause)}`, cause))
      })
      return Effect.timeoutOrElse(Effect.raceFirst(working, Effect.delay(watch(what), "1 second")), {
        duration: most,
        orElse: () => error("NotPossible", `${what} took longer than ${most} ms.`)
      })
    })

  // A tree of very many elements keeps the page from answering.
  const tree = async () =>
    (await page.evaluate(PageScript.hasTree, mostElements))
      ? await page.ariaSnapshot({ timeout: 15_000 })
      : await page.evaluate(PageScript.text, longestSight)
  const read = Effect.map(within("Reading the page", 20_000, tree), (text): Surface.Sight => ({
    address: address(parts),
    text:
      text.length > longestSight
        ? `${text.slice(0, longestSight).toWellFormed()}\n… and ${text.length - longestSight} characters more`
        : text,
    troubles: troubles.list()
  }))

  return {
    act: (action) =>
      within(describe(action), patience.visit + patience.check + actWithin, async () => {
        const before = troubles.leftFor()
        await act(parts, action)
        await settle(parts)
        const leftFor = troubles.leftFor()
        if (leftFor !== before || !isOurs(parts.origins, page.url())) {
          throw error(
            "OutOfApp",
            `${describe(action)} leads out of the app, to ${(leftFor ?? page.url()).slice(0, 200)}. Name its origin with the app if it is one of its own.`
          )
        }
      }),
    check: (that, time = patience.check) =>
      within(`Expecting ${that._tag}`, time + 2_000, () => check(parts, that, time)),
    look: Effect.flatMap(read, (sight) =>
      Effect.map(
        within("Taking a picture", 20_000, () =>
          page.screenshot({ animations: "disabled", caret: "hide", timeout: 15_000 })
        ),
        (picture) => ({ ...sight, picture })
      )
    ),
    glance: read
  }
}

/** Where the page is, below the app's address; in full where it is not below. */
const address = ({ base, page }: Parts): string => {
  const url = page.url()
  const root = base.href
  return url.startsWith(root)
    ? `/${url.slice(root.length)}`
    : url.startsWith(base.origin)
      ? url.slice(base.origin.length)
      : url
}

const describe = (action: Step.Action): string =>
  action._tag === "Visit" ? `Visiting ${JSON.stringify(action.address.slice(0, 200))}` : action._tag

const visit = async ({ base, origins, page, patience, troubles }: Parts, to: string): Promise<void> => {
  // Below the app's own address, which may be a folder.
  const url = new URL(to.startsWith("/") ? `./${to.replace(/^\/+/, "")}` : to, base)
  if (!origins.has(url.origin)) {
    troubles.add(`refused: ${url.href}`)
    throw error(
      "OutOfApp",
      `${JSON.stringify(to.slice(0, 200))} leads out of the app. Visit an address below ${base.href}.`
    )
  }
  const unreachable = (why: string, cause?: unknown) =>
    error("AppUnreachable", `${url.href} does not answer: ${why}. Look whether the app runs and listens there.`, cause)
  try {
    const response = await page.goto(url.href, { waitUntil: "domcontentloaded", timeout: patience.visit })
    if (response?.headers()[AppDoor.header] === "unreachable") throw unreachable("nobody listens")
  } catch (cause) {
    if (cause instanceof SurfaceError) throw cause
    const text = said(cause)
    // A download, or an answer without content: the page stays what it was.
    if (/net::ERR_ABORTED|Download is starting/.test(text)) return
    if (/net::ERR_TUNNEL|ERR_BLOCKED/.test(text)) return
    if (/net::ERR_|NS_ERROR|Timeout/.test(text)) throw unreachable(text, cause)
    throw cause
  }
  // What loads without an end is not waited for.
  await page.waitForLoadState("load", { timeout: 3_000 }).catch(() => undefined)
}

/** Waits until a target can be used for a purpose. */
const ready = async (
  { origins, page, patience }: Parts,
  target: Step.Target,
  purpose: PageScript.Asked["purpose"] = "look"
): Promise<PageTarget.Place> => {
  const until = performance.now() + patience.check
  for (;;) {
    const place = await PageTarget.find(page, target, { purpose, isOurs: (url) => isOurs(origins, url) })
    if (place.refused === "") return place
    if (performance.now() > until) throw error("NotPossible", `${StepText.target(target)} ${place.refused}.`)
    await page.evaluate(PageScript.change, 100).catch(() => undefined)
  }
}

/** Keys are what a page listens to; what no key makes, or what is long, comes in as if it was pasted. */
const type = ({ page: { keyboard } }: Parts, text: string): Promise<void> =>
  text.length > 400 || /[^\x20-\x7e]/.test(text) ? keyboard.insertText(text) : keyboard.type(text)

const act = async (parts: Parts, action: Step.Action): Promise<void> => {
  const { page, patience } = parts
  const options = { timeout: actWithin }
  switch (action._tag) {
    case "Visit":
      return await visit(parts, action.address)
    case "Reload":
      await page.reload({ waitUntil: "domcontentloaded", timeout: patience.visit })
      return await page.waitForLoadState("load", { timeout: 3_000 }).catch(() => undefined)
    case "Back":
      return void (await page.goBack({ waitUntil: "domcontentloaded", timeout: patience.visit }))
    case "Click":
      if ((action.times ?? 1) < 1 || (action.times ?? 1) > mostClicks) {
        throw error("NotPossible", `Click 1 to ${mostClicks} times in one step.`)
      }
      return await PageTarget.click(await ready(parts, action.target, "click"), {
        ...options,
        clickCount: action.times ?? 1
      })
    case "Hover": {
      const { at, locator } = await ready(parts, action.target)
      return await locator.nth(at).hover(options)
    }
    case "Fill":
      await ready(parts, action.target, "replace")
      return action.text === "" ? await page.keyboard.press("Delete") : await type(parts, action.text)
    case "Type":
      if (action.target !== undefined) await ready(parts, action.target, "write")
      return await type(parts, action.text)
    case "Press": {
      if (action.target !== undefined) {
        const { at, locator } = await ready(parts, action.target)
        await locator.nth(at).focus(options)
      }
      return await page.keyboard.press(action.key)
    }
    case "Blur":
      return await page.evaluate(PageScript.toBlur)
    default:
      throw error("Unsupported", `A page has no step ${action._tag}. Use a surface of another kind for it.`)
  }
}

/** Lets the page come to rest after an action: nothing changes any more and nothing is loaded. What never rests is not waited for. */
const settle = async ({ page, troubles }: Parts): Promise<void> => {
  const until = performance.now() + 1_500
  do {
    // Where the page is another one meanwhile, it is asked again.
    const isQuiet = await page.evaluate(PageScript.quiet, 300).then(
      () => true,
      () => false
    )
    if (isQuiet && troubles.loading() === 0) return
  } while (performance.now() < until && !page.isClosed())
}

const check = async (parts: Parts, that: Step.Expectation, time: number): Promise<Surface.Checked> => {
  const until = performance.now() + time
  for (;;) {
    const looked = await look(parts, that)
    if (Result.isFailure(looked)) throw error("NotPossible", `It can not be said: ${looked.failure}.`)
    const checked = looked.success
    if (checked.holds || performance.now() >= until) return checked
    await parts.page.evaluate(PageScript.change, 100).catch(() => undefined)
  }
}

const look = async (parts: Parts, that: Step.Expectation): Promise<PageFacts.Judged> => {
  const { origins, page, troubles } = parts
  switch (that._tag) {
    case "Address":
      return PageFacts.judgeText(that.rule, address(parts))
    case "NoErrors": {
      const thrown = troubles.thrown()
      return Result.succeed({
        holds: thrown.length === 0,
        saw: thrown.length === 0 ? "nothing was thrown" : thrown.slice(0, 3).join(" · ")
      })
    }
    case "Stored":
      return PageFacts.judgeStored(that, await page.evaluate(PageScript.stored))
    case "Status":
    case "Header":
    case "Body":
    case "Screen":
    case "Exit":
      throw error("Unsupported", `A page has no expectation ${that._tag}. Use a surface of another kind for it.`)
    default:
      try {
        const found = await PageTarget.find(page, that.target, {
          attribute: that._tag === "Attribute" ? that.name : "",
          isCount: that._tag === "Count" || that._tag === "Hidden",
          isOurs: (url) => isOurs(origins, url)
        })
        return PageFacts.judge(that, found)
      } catch (cause) {
        // It goes somewhere else right now: what is there then is asked again.
        if (/context was destroyed|navigat|detached/i.test(said(cause)))
          return Result.succeed({ holds: false, saw: "the page changes" })
        throw cause
      }
  }
}
