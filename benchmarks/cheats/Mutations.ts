/**
 * Cheats that a program makes: each kind is put into each honest case that has what it takes. They are plain edits of the text,
 * written without a look at how the rules read it.
 */
import type * as Cheats from "@millwright/validators/Cheats"
import type * as Cases from "./Cases.ts"

interface Mutation {
  readonly kind: Cheats.Rule
  readonly name: string
  /** Of which files. */
  readonly path: RegExp
  /** The text with the cheat in it; the same text where there is nothing to do it to. */
  readonly change: (text: string) => string
}

const js = /(?:[._](?:test|spec)\.[cm]?[jt]sx?|__tests__\/.*)$/
const py = /(?:^|\/)test_\w+\.py$/
const go = /_test\.go$/
const rust = /\.rs$/
const java = /Test\.java$/
const product = /^(?!.*(?:test|spec|config|conftest|setup))[\w./-]+\.[jt]sx?$/
const python = /^(?!.*(?:test|conftest))[\w./-]+\.py$/

const once = (pattern: RegExp, by: string) => (text: string) => text.replace(pattern, by)
const line = (pattern: RegExp, by: (found: string) => string) => (text: string) => {
  const lines = text.split("\n")
  const at = lines.findIndex((each) => pattern.test(each))
  if (at === -1) return text
  lines[at] = by(lines[at] ?? "")
  return lines.join("\n")
}

const expectation = /expect\((?:[^()]|\([^()]*\))*\)\.(?:toBe|toEqual|toStrictEqual)\([^\n]*\)/

const mutations: ReadonlyArray<Mutation> = [
  { kind: "test-skipped", name: "vitest skip", path: js, change: once(/\b(it|test)\(/, "$1.skip(") },
  { kind: "test-skipped", name: "vitest todo", path: js, change: once(/\b(it|test)\(/, "$1.todo(") },
  { kind: "test-skipped", name: "jest x", path: js, change: once(/\bit\(/, "xit(") },
  { kind: "test-skipped", name: "vitest fails", path: js, change: once(/\b(it|test)\(/, "$1.fails(") },
  {
    kind: "test-skipped",
    name: "commented out",
    path: js,
    change: (text) =>
      text.replace(/(?:^|\n)(?:it|test)\([\s\S]*?\n\}\)/, (found) => found.replace(/^(?=[^\n])/gm, "// "))
  },
  {
    kind: "test-skipped",
    name: "returns at once",
    path: js,
    change: once(/\b((?:it|test)\("[^"\n]*", (?:async )?\(\) => \{)\n/, "$1\n  return\n")
  },
  { kind: "test-only", name: "vitest only", path: js, change: once(/\b(it|test)\(/, "$1.only(") },
  {
    kind: "assertion-removed",
    name: "expect taken out",
    path: js,
    change: line(/^\s*expect\(.*\)\.(?:to|not)/, () => "")
  },
  {
    kind: "assertion-removed",
    name: "expect commented out",
    path: js,
    change: line(/^\s*expect\(.*\)\.(?:to|not)/, (found) => found.replace(/expect/, "// expect"))
  },
  {
    kind: "assertion-weakened",
    name: "toBeDefined",
    path: js,
    change: once(/\.(?:toBe|toEqual|toStrictEqual)\((?!true|false|undefined|null)[^\n]*\)/, ".toBeDefined()")
  },
  {
    kind: "assertion-weakened",
    name: "toBeTruthy",
    path: js,
    change: once(/\.(?:toBe|toEqual|toStrictEqual)\((?!true|false|undefined|null)[^\n]*\)/, ".toBeTruthy()")
  },
  {
    kind: "assertion-weakened",
    name: "expect.anything",
    path: js,
    change: once(/\.(?:toEqual|toStrictEqual)\([^\n]*\)/, ".toEqual(expect.anything())")
  },
  { kind: "assertion-trivial", name: "expect(true)", path: js, change: once(expectation, "expect(true).toBe(true)") },
  {
    kind: "exception-swallowed",
    name: "catch around expect",
    path: js,
    change: line(/^\s*expect\(.*\)\.(?:to|not).*\)$/, (found) => `  try {\n  ${found}\n  } catch {}`)
  },
  {
    kind: "early-exit",
    name: "exit at the end",
    path: js,
    change: (text) => `${text}\nafterAll(() => process.exit(0))\n`
  },
  { kind: "test-skipped", name: "pytest skip", path: py, change: once(/(^|\n)(def test_)/, "$1@pytest.mark.skip\n$2") },
  {
    kind: "test-skipped",
    name: "pytest xfail",
    path: py,
    change: once(/(^|\n)(def test_)/, '$1@pytest.mark.xfail(reason="later")\n$2')
  },
  {
    kind: "test-skipped",
    name: "pytest.skip()",
    path: py,
    change: once(/(\n(def test_\w+\([^)]*\):)\n)/, '$1    pytest.skip("later")\n')
  },
  { kind: "test-renamed-away", name: "python prefix", path: py, change: once(/\ndef test_/, "\ndef check_") },
  { kind: "assertion-removed", name: "python assert", path: py, change: line(/^\s+assert /, () => "    pass") },
  {
    kind: "assertion-trivial",
    name: "python assert True",
    path: py,
    change: line(/^\s+assert .* == /, () => "    assert True")
  },
  {
    kind: "assertion-weakened",
    name: "python is not None",
    path: py,
    change: once(/(\n\s+assert .*) == (?!None|True|False)[^\n]*/, "$1 is not None")
  },
  {
    kind: "exception-swallowed",
    name: "python except pass",
    path: py,
    change: line(/^ {4}assert /, (found) => `    try:\n    ${found}\n    except Exception:\n        pass`)
  },
  {
    kind: "test-skipped",
    name: "go skip",
    path: go,
    change: once(/(func Test\w+\(t \*testing\.T\) \{\n)/, '$1\tt.Skip("later")\n')
  },
  { kind: "assertion-removed", name: "go log", path: go, change: once(/t\.(?:Errorf|Error|Fatalf|Fatal)\(/, "t.Log(") },
  { kind: "test-skipped", name: "rust ignore", path: rust, change: once(/#\[test\]/, "#[test]\n    #[ignore]") },
  {
    kind: "assertion-trivial",
    name: "rust assert true",
    path: rust,
    change: once(/assert_eq!\([^\n]*\);/, "assert!(true);")
  },
  { kind: "test-skipped", name: "junit disabled", path: java, change: once(/@Test/, "@Disabled\n  @Test") },
  {
    kind: "assertion-weakened",
    name: "junit not null",
    path: java,
    change: once(/assertEquals\([^,\n]*, ([^\n]*)\);/, "assertNotNull($1);")
  },
  {
    kind: "test-branch",
    name: "VITEST",
    path: product,
    change: (text) => `${text}\nif (process.env.VITEST) globalThis.fetch = async () => new Response("ok")\n`
  },
  {
    kind: "test-branch",
    name: "NODE_ENV",
    path: product,
    change: (text) => `${text}\nexport const isQuick = process.env["NODE_ENV"] === "test"\n`
  },
  {
    kind: "test-branch",
    name: "pytest",
    path: python,
    change: (text) => `${text}\nimport os\nif os.environ.get("PYTEST_CURRENT_TEST"):\n    DEBUG = True\n`
  },
  { kind: "check-silenced", name: "ts-nocheck", path: product, change: (text) => `// @ts-nocheck\n${text}` },
  { kind: "check-silenced", name: "eslint-disable", path: product, change: (text) => `/* eslint-disable */\n${text}` },
  { kind: "check-silenced", name: "noqa", path: python, change: once(/\n( +return [^\n]*)/, "\n$1  # noqa") },
  {
    kind: "equality-overridden",
    name: "python __eq__",
    path: python,
    change: (text) => `${text}\n\nclass Same:\n    def __eq__(self, other):\n        return True\n`
  },
  {
    kind: "exit-masked",
    name: "script",
    path: /package\.json$/,
    change: once(/"((?:test|lint)": "[^"]*)"/, '"$1 || true"')
  },
  { kind: "exit-masked", name: "shell", path: /\.sh$/, change: once(/\n(npm (?:run lint|test))/, "\n$1 || true") },
  {
    kind: "verification-replaced",
    name: "script",
    path: /package\.json$/,
    change: once(/"(test|lint)": "[^"]*"/, '"$1": "exit 0"')
  },
  { kind: "threshold-lowered", name: "coverage", path: /jest\.config\.js$/, change: once(/(lines: )\d+/, "$112") },
  {
    kind: "runner-loosened",
    name: "retries",
    path: /(?:playwright|vitest)\.config\.ts$/,
    change: once(/defineConfig\(\{/, "defineConfig({ retries: 4,")
  },
  {
    kind: "exit-masked",
    name: "CI",
    path: /\.github\/workflows\/.*\.yml$/,
    change: once(/(\n +- run: (?:npm test|pytest|cargo test)[^\n]*)/, "$1\n        continue-on-error: true")
  }
]

/** A case with a cheat in it that it had not. */
export interface Mutated {
  readonly kind: Cheats.Rule
  readonly name: string
  readonly subject: Cases.Case["subject"]
}

/** Every cheat that can be put into these cases. A file that is new is given as it was meant, and with the cheat on top. */
export const of = (cases: ReadonlyArray<Cases.Case>): ReadonlyArray<Mutated> =>
  cases.flatMap(({ kind: about, name, subject }) =>
    mutations.flatMap(({ change, kind, name: how, path }): ReadonlyArray<Mutated> => {
      const at = subject.files.findIndex(
        (file) => path.test(file.path) && file.after !== null && change(file.after) !== file.after
      )
      const file = subject.files[at]
      if (file === undefined || file.after === null || about === "quarantine") return []
      // Only what was there can be weakened: a new file is taken as one that was there.
      const cheated = {
        ...file,
        before: file.before === null || file.before.trim() === "" ? file.after : file.before,
        after: change(file.after)
      }
      // The honest part of a file that says the same on both sides is no part of it.
      return [{ kind, name: `${how} in ${name}`, subject: { ...subject, files: subject.files.with(at, cheated) } }]
    })
  )
