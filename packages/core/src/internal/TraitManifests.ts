/** What a manifest says that is run when somebody installs: its scripts, read from both sides as data. */
import * as FileView from "./FileView.ts"
import type * as Trait from "./Trait.ts"

const manifest = /(?:^|\/)(?:package|composer|bower)\.json$/

/** Reads it. A manifest that can not be read as JSON is taken for one that has such a script. */
export const read = (view: FileView.FileView): ReadonlyArray<Trait.Found> => {
  if (!view.paths.some((path) => manifest.test(path))) return []
  return scriptsOf(view.before) === scriptsOf(view.after) ? [] : [{ trait: "InstallScript" }]
}

/** What is run without being asked for: all but the scripts that somebody starts by name. */
const unasked = /^(?:pre|post)|^(?:install|prepare|prepack|dependencies|uninstall|auto-scripts)$/

const scriptsOf = (content: FileView.Content): string => {
  const text = FileView.textOf(content)
  if (text === undefined) return ""
  try {
    const read: unknown = JSON.parse(text.replace(/^\ufeff/, ""))
    if (typeof read !== "object" || read === null) return text
    const fields = Object.entries(read)
    const scripts: unknown = fields.find(([name]) => name === "scripts")?.[1]
    const run = typeof scripts === "object" && scripts !== null ? Object.entries(scripts) : []
    const told = fields.filter(([name]) =>
      /^(?:bin|gypfile|allowScripts|trustedDependencies|pnpm|overrides|resolutions|config)$/.test(name)
    )
    return JSON.stringify([...run.filter(([name]) => unasked.test(name)), ...told].sort())
  } catch {
    return text
  }
}
