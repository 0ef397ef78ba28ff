/** Tests of what needs a browser, or a sandbox: run, or skipped with the reason, or failed where it was promised. */
import { assert, it } from "@effect/vitest"

/** What has to be there, by the names that `MILLWRIGHT_REQUIRES` lists: CI installs these programs. */
const promised = new Set((process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" "))

/** Registers tests when nothing is missing. `missing` says what is; a promised tool must not be. */
export const requires = (tool: string, missing: string | undefined, register: () => void): void =>
  missing === undefined
    ? register()
    : void it(`${tool} is there`, (context) => {
        assert.isFalse(promised.has(tool), `${tool} was installed, but: ${missing}`)
        context.skip(missing)
      })
