import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Bill from "../bill.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

const run = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    timeout: 110_000
  })
  return { code: status, text: `${stdout}${stderr}` }
}

describe("04-hundred-tools", () => {
  it("works with a hundred tools of which a handful is in the prompt, and shows the bill", () => {
    const { code, text } = run()
    assert.strictEqual(code, 0, text)
    for (const server of ["files", "memory", "everything", "browser", "gitlab"]) {
      assert.match(text, new RegExp(`${server} +\\d+ tools +live`), `${server} does not list`)
    }
    assert.match(text, /calendar +0 tools +failed/)
    assert.match(text, /together +1\d\d tools/)
    assert.include(text, "everything was killed while it worked")
    for (const mode of ["native", "inline", "bridge"]) {
      assert.match(text, new RegExp(`${mode} .*\\(−\\d\\d\\.\\d %\\).* 0 bytes`), `${mode} has no bill`)
    }
  }, 120_000)

  it("says what is wrong with an argument", () => {
    const { code, text } = run("--mode", "magic")
    assert.strictEqual(code, 2, text)
    assert.include(text, "magic")
    assert.include(run("--help").text, "--mode")
  }, 60_000)
})

describe("the bill", () => {
  const tool = (name: string, deferred: boolean) => ({ name, ...(deferred && { defer_loading: true }) })
  const user = (content: unknown) => ({ role: "user", content })

  it("counts a deferred definition once it is referred to, and not before", () => {
    const body = (messages: ReadonlyArray<unknown>, deferred: boolean) => ({
      tools: [tool("a".repeat(400), deferred)],
      messages
    })
    const reference = user([{ type: "tool_result", content: [{ type: "tool_reference", tool_name: "a".repeat(400) }] }])
    const without = Bill.of([body([user("hi")], true)]).tokens
    assert.isBelow(without, 40)
    assert.isAbove(Bill.of([body([user("hi")], false)]).tokens, 100)
    assert.isAbove(Bill.of([body([user("hi"), reference], true)]).tokens, without + 100 + 100)
  })

  it("sees a prompt that was sent in another way", () => {
    const first = { system: "a", messages: [user("hi")] }
    assert.strictEqual(Bill.of([first, { system: "a", messages: [user("hi"), user("ho")] }]).changed, 0)
    assert.isAbove(Bill.of([first, { system: "b", messages: [user("hi"), user("ho")] }]).changed, 0)
  })

  it("is cheaper where a prompt goes on than where it begins anew", () => {
    const long = "x".repeat(4_000)
    const { cached, tokens } = Bill.of([{ messages: [user(long)] }, { messages: [user(long), user("ho")] }])
    assert.isAbove(tokens, 2_000)
    assert.isBelow(cached, 1_400)
  })
})
