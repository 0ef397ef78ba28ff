/** The reports of the batch, from easy to hard, and what is known of the repository that they are about. */

/** A report, and what is special about it in this example. */
export interface Report {
  readonly name: string
  readonly text: string
  /** A person wants the strongest model for it, however easy it is. */
  readonly isPinned?: boolean
  /** While it is worked on, the provider goes down. Only in a rehearsal. */
  readonly isInOutage?: boolean
}

/** Lines of code, in all and by language. */
export const repository = { lines: 120_000, languages: { TypeScript: 90_000, Rust: 30_000 } }

const trace = (topic: string, lines: number): string =>
  Array.from(
    { length: lines },
    (_, at) => `    at ${topic}.step${at} (packages/core/src/${topic}.ts:${40 + 7 * at}:${3 + (at % 20)})`
  ).join("\n")

const hard = (title: string, topic: string): string => `${title}

It happens once in some thousand runs, and only where two processes share one store. What was seen each time:

${trace(topic, 60)}

The code around it:

\`\`\`ts
const claimed = rows.filter(({ owner }) => owner === undefined);
for (const row of claimed) { await take(row); }
if (claimed.length === 0) { return wait({ until: next(rows) }); }
\`\`\`

${trace("Ownership", 40)}
`

export const reports: ReadonlyArray<Report> = [
  { name: "typo", text: "The help of the command says 'recieve'. It should say 'receive'." },
  { name: "colour", text: "The colour of links is wrong since the last release.", isPinned: true },
  { name: "flaky", text: "Sometimes the test of the clock fails, and the next time it passes." },
  { name: "race", text: hard("A run is taken by two owners", "Claims") },
  { name: "leak", text: hard("The memory of a runner grows without end", "WakeUps"), isInOutage: true },
  { name: "link", text: "The link to the guide in the README leads nowhere." }
]
