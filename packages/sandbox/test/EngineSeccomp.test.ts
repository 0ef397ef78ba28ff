import { assert, describe, it } from "@effect/vitest"
import * as EngineSeccomp from "../src/internal/EngineSeccomp.ts"
import * as SystemCalls from "../src/internal/SystemCalls.ts"

interface Rule {
  readonly names: ReadonlyArray<string>
  readonly action: string
  readonly args?: ReadonlyArray<object>
}

describe("the filter for engines", () => {
  const profile: { readonly defaultErrnoRet: number; readonly syscalls: ReadonlyArray<Rule> } = JSON.parse(
    EngineSeccomp.profile()
  )
  const rules = profile.syscalls
  const free = rules.flatMap(({ action, args = [], names }) =>
    action === "SCMP_ACT_ALLOW" && args.length === 0 ? names : []
  )

  it("lets no call through that is denied, or that depends on its arguments", () => {
    const kept = { ...SystemCalls.denied, ...SystemCalls.absent, ...SystemCalls.looked, ...SystemCalls.modes }
    assert.deepStrictEqual(
      free.filter((name) => Object.hasOwn(kept, name)),
      []
    )
    assert.deepStrictEqual(
      rules.filter(({ names }) => names.some((name) => Object.hasOwn(SystemCalls.absent, name))),
      [],
      "what is absent is named nowhere"
    )
    assert.strictEqual(profile.defaultErrnoRet, 38, "what is not named is not there")
  })

  it("lets through each call once", () => {
    assert.strictEqual(new Set(free).size, free.length)
    for (const name of ["execve", "read", "mmap", "futex", "ptrace", "fchmodat", "clone"]) {
      assert.isTrue(
        rules.some(({ action, names }) => action === "SCMP_ACT_ALLOW" && names.includes(name)),
        `${name} should be let through`
      )
    }
  })
})
