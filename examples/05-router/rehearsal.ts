/** What the rehearsed models answer, whichever of them is asked. */
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"

const located = (cause: string, where: string): ProviderTwin.Turn => ({
  calls: [{ tool: "outcome", arguments: { outcome: { _tag: "Located", cause, where } } }]
})

const about = (promptIncludes: string, ...turns: ReadonlyArray<ProviderTwin.Turn>) => ({
  role: "Diagnosis",
  when: { promptIncludes },
  turns
})

export const script: ProviderTwin.Script = {
  conversations: [
    about("recieve", located("A word is misspelt.", "the help of the command")),
    about("colour of links", located("A style sheet lost a rule.", "the style sheet of the page")),
    about(
      "test of the clock",
      {
        text: "It may be the clock, the order of the tests, or a leak between them. I can not tell which.",
        calls: [{ tool: "escalate", arguments: { why: "I see three causes that fit, and can not tell them apart." } }]
      },
      located("The test reads the clock twice, and midnight can be between.", "the test of the clock")
    ),
    about("two owners", located("The owner is read before the lock is held.", "Claims, before `take`")),
    about("grows without end", located("A sleeper is kept after it was woken.", "WakeUps, where a sleeper is added")),
    about("leads nowhere", located("The page was renamed.", "README.md"))
  ]
}
