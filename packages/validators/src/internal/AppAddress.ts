/** Addresses below that of an app, and the origins that it may ask. */
import * as Result from "effect/Result"
import * as Surface from "../Surface.ts"

const outOfApp = (what: string, why: string) =>
  Result.fail(
    new Surface.SurfaceError({
      reason: "OutOfApp",
      message: `${what} leads out of the app: ${why}. Take an address below that of the app, or name the origin in \`origins\`.`
    })
  )

/** The origins that may be asked: the app's own and those that it names. */
export const origins = ({ address, origins = [] }: Surface.App): ReadonlySet<string> =>
  new Set([address, ...origins].flatMap((each) => (URL.canParse(each) ? [new URL(each).origin] : [])))

/**
 * Where a path leads. One with a scheme leads where it says, when that is one of the origins; any other is put behind the address of
 * the app, and stays below it.
 */
export const below = (app: Surface.App, path: string): Result.Result<URL, Surface.SurfaceError> => {
  const shown = JSON.stringify(path.slice(0, 200))
  const base = new URL(app.address)
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(path)) {
    const url = URL.canParse(path) ? new URL(path) : undefined
    if (url === undefined || url.username !== "" || url.password !== "")
      return outOfApp(shown, "it is no plain address")
    return origins(app).has(url.origin) ? Result.succeed(url) : outOfApp(shown, `${url.origin} is none of its origins`)
  }
  const root = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`
  const written = `${base.origin}${root}${path.replace(/^\//, "")}`
  if (!URL.canParse(written)) return outOfApp(shown, "it is no address")
  const url = new URL(written)
  return url.origin === base.origin && url.pathname.startsWith(root)
    ? Result.succeed(url)
    : outOfApp(shown, `it is not below ${base.href}`)
}
