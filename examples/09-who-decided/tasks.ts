/** What the agent is asked for in the week, and what it makes of it. It is played: no model is asked. */
import * as Digest from "@millwright/core/Digest"
import * as WorkItem from "@millwright/core/WorkItem"
import type * as Repository from "./repository.ts"

/** The instructions of the agent, in the version of the beginning of the week and in that of its end. */
export const skills = [
  "Do what the item says, and no more.",
  "Do what the item says, and no more. Think of the empty text."
] as const

export interface Task {
  readonly item: WorkItem.WorkItem
  readonly files: Repository.Files
  /** How long the agent works at it, and what its model costs. */
  readonly minutes: number
  readonly usd: number
  readonly skill: Digest.Digest
}

const task = (
  id: string,
  title: string,
  { files, skill, ...rest }: Omit<Task, "item" | "skill"> & { skill: 0 | 1 }
): Task => ({
  item: { id, title, body: WorkItem.bodyOf(title), labels: [], source: `backlog/${id}` },
  files,
  skill: Digest.of(skills[skill]),
  ...rest
})

const reading = (...lines: ReadonlyArray<string>): Repository.Files => ({
  "src/reading.js": [...lines, "", "const words = (text) => text.split(/\\s+/).filter(Boolean)", ""].join("\n")
})

/** How Ada leaves what the agent made of `short`. */
export const edited = reading(
  "// Nobody reads for no time, unless there is nothing to read.",
  "export const minutes = (text) =>",
  "  words(text).length === 0 ? 0 : Math.max(1, Math.round(words(text).length / 200))"
)

/** How she leaves `page`. */
export const takenOver: Repository.Files = {
  "src/page.js": 'export const page = (minutes) => `<p>${minutes} ${minutes === 1 ? "minute" : "minutes"}</p>`\n'
}

/** The items, in the order in which they come. */
export const tasks = {
  readme: task("readme", "Say how the reader is started", {
    ...{ minutes: 6, usd: 0.04, skill: 0 },
    files: { "README.md": "# Reader\n\nStart it with `node src/server.js`.\n" }
  }),
  whole: task("whole", "Minutes are whole", {
    ...{ minutes: 25, usd: 0.31, skill: 0 },
    files: reading("export const minutes = (text) =>", "  Math.round(words(text).length / 200)")
  }),
  guide: task("guide", "A guide for readers", {
    ...{ minutes: 15, usd: 0.09, skill: 0 },
    files: { "docs/readers.md": "# How long it takes\n\nPeople read 200 words in a minute.\n" }
  }),
  short: task("short", "A short text takes a minute", {
    ...{ minutes: 18, usd: 0.22, skill: 1 },
    files: reading("export const minutes = (text) =>", "  Math.max(1, Math.round(words(text).length / 200))")
  }),
  page: task("page", "A page that shows the minutes", {
    ...{ minutes: 40, usd: 0.55, skill: 1 },
    files: { "src/page.js": "export const page = (minutes) => `<p>${minutes} minutes</p>`\n" }
  }),
  server: task("server", "Serve the page", {
    ...{ minutes: 30, usd: 0.4, skill: 1 },
    files: {
      "src/server.js":
        'import { createServer } from "node:http"\nimport { page } from "./page.js"\n\n' +
        "createServer((_, response) => response.end(page(0))).listen(8080)\n"
    }
  }),
  moods: task("moods", "Say in which mood a text is", {
    ...{ minutes: 35, usd: 0.48, skill: 1 },
    files: { "src/mood.js": 'export const mood = (text) => (text.includes("!") ? "excited" : "calm")\n' }
  }),
  deploy: task("deploy", "Deploy faster", {
    ...{ minutes: 5, usd: 0.05, skill: 1 },
    files: {
      ".github/workflows/deploy.yml":
        "on: push\njobs: { deploy: { runs-on: ubuntu-latest, steps: [{ run: ./deploy }] } }\n"
    }
  })
} satisfies Record<string, Task>
