import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as TranscriptTest from "../src/testing/TranscriptTest.ts"
import * as Transcripts from "../src/Transcripts.ts"

const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", "transcripts", name), "utf8")

TranscriptTest.suite("Claude Code", { reader: Transcripts.claudeCode, sample: fixture("claude.jsonl") })
TranscriptTest.suite("a sub-agent of Claude Code", {
  reader: Transcripts.claudeCode,
  sample: fixture("claude-agent.jsonl")
})
TranscriptTest.suite("an older Claude Code", { reader: Transcripts.claudeCode, sample: fixture("claude-2.1.33.jsonl") })
TranscriptTest.suite("Codex", { reader: Transcripts.codex, sample: fixture("codex.jsonl") })
TranscriptTest.suite("Gemini", { reader: Transcripts.gemini, sample: fixture("gemini.json") })
TranscriptTest.suite("pi", { reader: Transcripts.pi, sample: fixture("pi.jsonl") })
