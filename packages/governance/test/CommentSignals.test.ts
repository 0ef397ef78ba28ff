import { assert, describe, it } from "@effect/vitest"
import * as Signal from "@millwright/agents/Signal"
import * as SignalIntake from "@millwright/agents/SignalIntake"
import * as Tainted from "@millwright/core/Tainted"
import * as CommentSignals from "../src/CommentSignals.ts"
import type * as ForgeHistory from "../src/ForgeHistory.ts"
import * as Histories from "./Histories.ts"

describe("CommentSignals", () => {
  it("are what humans said, and an angry reviewer who says the same 30 times is one new signal", () => {
    const said = (index: number, by: ForgeHistory.Account, body: string): ForgeHistory.Event => ({
      _tag: "ReviewCommented",
      id: `comment/${index}`,
      at: 5_000 - index,
      by,
      body,
      commit: null,
      path: "a.ts"
    })
    const angry = Array.from({ length: 30 }, (_, index) => said(index, Histories.ada, `Line ${index}: no dots!`))
    const others = [
      said(100, Histories.bot, "Done"),
      said(101, Histories.bo, " "),
      said(102, { login: "eve", isBot: false }, "Hm")
    ]
    const forge = { subjects: [Histories.pullRequest({ events: [...others, ...angry] })] }
    const signals = CommentSignals.of(forge, { roster: Histories.roster, source: "reviews/engine" })
    assert.strictEqual(signals.length, 30, "an agent, an empty comment or somebody unknown was taken")
    const times = signals.map(({ at }) => at)
    assert.deepStrictEqual(
      times,
      times.toSorted((a, b) => a - b),
      "they are by time"
    )
    assert.isTrue(
      signals.every(({ text }) => text instanceof Tainted.Tainted),
      "what somebody outside wrote is data"
    )
    const intake = SignalIntake.make(0, SignalIntake.usual)
    const admitted = signals.map((signal) => {
      const fingerprint = Signal.fingerprint(signal)
      const admission = intake.admit({ source: signal.source, fingerprint, now: signal.at })
      if (admission === "new") intake.judged(fingerprint)
      return admission
    })
    assert.deepStrictEqual([admitted[0], new Set(admitted.slice(1))], ["new", new Set(["repeated"])])
  })
})
