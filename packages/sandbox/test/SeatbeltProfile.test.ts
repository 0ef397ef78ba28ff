import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as SeatbeltProfile from "../src/internal/SeatbeltProfile.ts"

const input = (changes: Partial<SeatbeltProfile.Input> = {}): SeatbeltProfile.Input => ({
  spec: {},
  workspace: {
    directory: "/Users/ada/repo/.git/millwright/clones/a/workspace",
    directories: {},
    readable: ["/Users/ada/repo/.git/objects"],
    protect: ["/Users/ada/repo/.git/millwright/clones/a/workspace/.git/hooks"]
  },
  scratch: ["/private/tmp/home"],
  programs: ["/Users/ada/.nvm/bin"],
  proxy: undefined,
  ports: [],
  ...changes
})

/** Reads a profile back: lists of words and texts. */
type Form = string | { readonly text: string } | ReadonlyArray<Form>
const parse = (source: string): ReadonlyArray<Form> => {
  let at = 0
  const list = (isInner: boolean): ReadonlyArray<Form> => {
    const forms: Array<Form> = []
    while (at < source.length) {
      const char = source.charAt(at)
      if (/\s/.test(char)) at++
      else if (char === "(") {
        at++
        forms.push(list(true))
      } else if (char === ")") {
        if (!isInner) throw new Error(`a parenthesis too many at ${at}`)
        at++
        return forms
      } else if (char === '"') {
        let text = ""
        for (at++; source.charAt(at) !== '"'; at++) {
          if (source.charAt(at) === "\\") at++
          if (at >= source.length) throw new Error("a text does not end")
          text += source.charAt(at)
        }
        at++
        forms.push({ text })
      } else {
        const word = /^[^\s()"]+/.exec(source.slice(at))?.[0] ?? ""
        at += word.length
        forms.push(word)
      }
    }
    if (isInner) throw new Error("a parenthesis is not closed")
    return forms
  }
  return list(false)
}

const rules = (profile: string, decision: string, operation: string): ReadonlyArray<Form> =>
  parse(profile).flatMap((form) =>
    Array.isArray(form) && form[0] === decision && form.includes(operation)
      ? form.slice(form.indexOf(operation) + 1)
      : []
  )
const paths = (forms: ReadonlyArray<Form>) =>
  forms.flatMap((form) =>
    Array.isArray(form) && typeof form[1] === "object" && "text" in form[1] ? [form[1].text] : []
  )

describe("SeatbeltProfile", () => {
  it("denies what is not named, and begins with that", () => {
    const [version, deny] = parse(SeatbeltProfile.compile(input()))
    assert.deepStrictEqual(version, ["version", "1"])
    assert.deepStrictEqual(deny, ["deny", "default"])
  })

  it("lets commands write to the workspace, its scratch and writable mounts, and nowhere else", () => {
    const { directory } = input().workspace
    const profile = SeatbeltProfile.compile(
      input({
        spec: {
          mounts: [
            { source: "/data/in", access: "Read" },
            { source: "/data/out", access: "Write" }
          ]
        }
      })
    )
    assert.deepStrictEqual(paths(rules(profile, "allow", "file-write*")), [directory, "/private/tmp/home", "/data/out"])
    const read = paths(rules(profile, "allow", "file-read*"))
    for (const path of [directory, "/data/in", "/data/out", "/Users/ada/repo/.git/objects"]) assert.include(read, path)
    for (const path of ["/Users/ada", "/Users/ada/.ssh", "/private/var", "/Volumes"]) {
      assert.notInclude(
        parse(profile).flatMap((form): Array<string> =>
          Array.isArray(form) && form.includes("file-read*")
            ? [...paths(form.filter((filter) => Array.isArray(filter) && filter[0] === "subpath"))]
            : []
        ),
        path
      )
    }
  })

  it("says last what is protected, since the later rule wins", () => {
    const profile = SeatbeltProfile.compile(input())
    const forms = parse(profile)
    const places = (decision: string) =>
      forms.flatMap((form, index) =>
        Array.isArray(form) && form[0] === decision && form.includes("file-write*") ? [index] : []
      )
    assert.isAbove(Math.min(...places("deny")), Math.max(...places("allow")))
    assert.deepStrictEqual(paths(rules(profile, "deny", "file-write*")), [...input().workspace.protect])
    assert.include([...paths(rules(profile, "deny", "file-write-unlink"))], `${input().workspace.directory}/.git`)
  })

  it("has no network unless it is asked for: the proxy alone, declared ports, or all of it", () => {
    assert.notInclude(SeatbeltProfile.compile(input()), "network-outbound")
    const proxied = SeatbeltProfile.compile(input({ proxy: 4_711, ports: [8_080] }))
    assert.deepStrictEqual(
      rules(proxied, "allow", "network-outbound").map((form) => JSON.stringify(form)),
      ["localhost:8080", "localhost:4711"].map((text) => JSON.stringify(["remote", "ip", { text }]))
    )
    assert.notInclude(proxied, "network*")
    assert.include(SeatbeltProfile.compile(input({ spec: { egress: { _tag: "Open" } } })), "(allow network*)")
  })

  const characters = Schema.Array(Schema.Literals(['"', "\\", ")", "(", "\n", " ", ";", "#", "a", "/", "é"]))
  it.prop("no path, whatever it holds, is more than a path", [characters], ([characters]) => {
    const at = (directory: string) =>
      SeatbeltProfile.compile(input({ workspace: { directory, directories: {}, readable: [], protect: [] } }))
    const directory = `/w/${characters.join("")}`
    assert.strictEqual(parse(at(directory)).length, parse(at("/w/x")).length, "there should be as many rules as ever")
    assert.include([...paths(rules(at(directory), "allow", "file-write*"))], directory)
  })

  it("a NUL is refused", () => {
    assert.throws(() => SeatbeltProfile.quote("a\0b"), /NUL/)
  })
})
