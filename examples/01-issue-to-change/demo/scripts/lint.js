import { readdirSync, readFileSync } from "node:fs"

const rules = [
  [/\bvar\b/, "use const or let"],
  [/\bconsole\.log\b/, "no debugging output in a library"],
  [/\s+$/, "no white space at the end of a line"]
]
let found = 0
for (const file of readdirSync("src").filter((name) => name !== "cli.js")) {
  readFileSync(`src/${file}`, "utf8")
    .split("\n")
    .forEach((line, index) => {
      for (const [pattern, advice] of rules) {
        if (!pattern.test(line)) continue
        found++
        console.error(`src/${file}:${index + 1}: ${advice}`)
      }
    })
}
process.exitCode = found === 0 ? 0 : 1
