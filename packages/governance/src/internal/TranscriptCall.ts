/** What a call of a tool does, by the names that coding agents have for tools and for what goes into them. */
import * as Digest from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Options } from "../TranscriptReader.ts"
import * as Field from "./TranscriptField.ts"

const names: Readonly<Record<Exclude<Transcript.Doing, "other">, string>> = {
  read: "read read_file read_many_files notebookread view view_image",
  edit: "edit multiedit write notebookedit write_file replace apply_patch str_replace_based_edit_tool",
  search:
    "grep glob ls find lsp websearch web_search web_search_call google_web_search search_file_content grep_search list_directory list_dir grep_files tool_search toolsearch",
  command: "bash shell exec_command local_shell local_shell_call shell_command run_shell_command powershell",
  delegate: "task agent spawn_agent invoke_agent codebase_investigator delegate",
  ask: "askuserquestion exitplanmode request_user_input ask_user ask"
}

const doings = new Map(
  Object.entries(names).flatMap(([doing, tools]) => tools.split(" ").map((tool) => [tool, doing] as const))
) as ReadonlyMap<string, Transcript.Doing> // the keys above are what tools do

type Told = Pick<Transcript.Of<"Called">, "tool" | "doing" | "input" | "file" | "path" | "range" | "command">

/** What is told of a call. An input that is a text is read as JSON where it is that. */
export const make = (tool: unknown, given: unknown, options: Options): Told => {
  const input = typeof given === "string" ? parsed(given) : given
  const name = Field.name(tool) ?? "unknown"
  const doing = doings.get(name.toLowerCase()) ?? "other"
  const fields = Field.object(input)
  const path = pathOf(fields) ?? (doing === "edit" ? patched(input) : null)
  const command = doing === "command" ? commandOf(fields) : null
  return {
    tool: name,
    doing,
    input: Digest.ofJson(input ?? null),
    file: path === null ? null : Digest.of(path),
    ...(options.paths === true && path !== null && { path: Redaction.scrub(path).slice(0, 4_096) }),
    range: doing === "read" && path !== null ? rangeOf(fields) : null,
    command: command === null ? null : Digest.of(command.trim())
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const pathOf = (fields: JsonObject): string | null =>
  Field.text(fields["file_path"]) ??
  Field.text(fields["path"]) ??
  Field.text(fields["notebook_path"]) ??
  Field.text(fields["absolute_path"])

/** The first file of a patch as Codex writes it. */
const patched = (input: unknown): string | null => {
  const patch = typeof input === "string" ? input : Field.text(Field.object(input)["input"])
  return patch === null ? null : (/^\*\*\* (?:Add|Update|Delete) File: (.{1,4096})$/m.exec(patch)?.[1] ?? null)
}

const rangeOf = (fields: JsonObject): Transcript.Range => ({
  from: Field.tokens(fields["offset"] ?? fields["start_line"]),
  lines: Field.tokens(fields["limit"])
})

const commandOf = (fields: JsonObject): string | null => {
  const { action, cmd, command, script } = fields
  const found = command ?? cmd ?? script ?? Field.object(action)["command"]
  if (Array.isArray(found)) return found.map(String).join("\0")
  return Field.text(found)
}
