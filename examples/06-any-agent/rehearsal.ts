/** What the rehearsed model does, in the words of each agent: they have other names for the same tools. */
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import type { Outcome } from "./role.ts"

/** How an agent's model calls a shell, and how it gives its outcome. */
export interface Dialect {
  readonly shell: (script: string) => ProviderTwin.Call
  readonly outcome: (outcome: Outcome) => ProviderTwin.Turn
}

const before = `    if (milliseconds >= size) return \`\${Math.floor(milliseconds / size)}\${unit}\`
  }
  return "0ms"`
const after = `    if (rest >= size) parts.push(\`\${Math.floor(rest / size)}\${unit}\`)
    rest %= size
  }
  return parts.length === 0 ? "0ms" : parts.join(" ")`

const mend = `node - <<'END'
const fs = require("node:fs")
const file = "src/duration.js"
const text = fs.readFileSync(file, "utf8")
const head = "export const format = (milliseconds) => {\\n"
fs.writeFileSync(file, text
  .replace(head, () => head + "  const parts = []\\n  let rest = milliseconds\\n")
  .replace(${JSON.stringify(before)}, () => ${JSON.stringify(after)}))
END`

/** The conversation of one agent. */
export const script = ({ outcome, shell }: Dialect): ProviderTwin.Script => ({
  conversations: [
    {
      turns: [
        {
          text: "I look at the code and at what it does.",
          calls: [shell("cat src/duration.js; node src/cli.js --ms 5400000")]
        },
        { text: "It returns inside of its loop.", calls: [shell(mend)] },
        { calls: [shell("npm test 2>&1 | tail -8; node src/cli.js --ms 5400000")] },
        outcome({
          _tag: "Mended",
          summary: "format carries the rest on to the smaller units.",
          files: ["src/duration.js"]
        }),
        { text: "Done." }
      ]
    }
  ]
})
