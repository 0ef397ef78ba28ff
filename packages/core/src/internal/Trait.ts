/** What a changed file can show. */
import * as Schema from "effect/Schema"

/** What a changed file can show beside its path. Each of them only ever raises what is asked of a change. */
export const Trait = Schema.Literals([
  /** A program that builds, checks, ships or installs: CI, hooks of git, recipes of containers. */
  "Automation",
  "LockFile",
  "Dependency",
  "InstallScript",
  /** What a database, a message or a stored file looks like, or a step that changes it. */
  "Schema",
  /** Data or what holds it is taken away. */
  "DataDeletion",
  /** A way in from outside: an endpoint, a page, an operation of an interface description. */
  "Route",
  "Auth",
  "Payments",
  "PersonalData",
  "TestsWeakened",
  /** A test expects something else than before. */
  "ExpectationChanged",
  "Executable",
  "Symlink",
  "Submodule",
  "TypeChanged",
  "Binary",
  /** A document that does something: it has an interpreter, a script, or takes other files in. */
  "ActiveDocument",
  /** A test that reaches for what is not its own: keys of the machine, a program from the network. */
  "Reaches",
  /** The change says of a file that nobody has to look at it: generated, vendored. */
  "MarkedGenerated",
  "Vendored",
  /** It takes back what was done before. */
  "Revert",
  "UnusualPath",
  "CaseRename",
  /** Signs that nobody sees, or that turn the order of reading. */
  "Hidden",
  "Secret",
  /** It could not be read, or not all of it. */
  "Unread"
])
/** What a changed file can show beside its path. */
export type Trait = typeof Trait.Type

/** A trait, and the line (of the file after, from 1) that shows it, where it is one line. */
export const Found = Schema.Struct({ trait: Trait, line: Schema.optionalKey(Schema.Int) })
/** A trait, and the line that shows it. */
export type Found = typeof Found.Type
