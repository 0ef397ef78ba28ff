/** The repository's own checks, told from the files at its root: what a change has to pass before anybody looks at it. */

/** A check and the command that runs it, from the root of the repository. */
export interface Check {
  readonly name: "test" | "typecheck" | "lint"
  readonly command: string
}

/** Files at the root: their text, or nothing where there is none or it was not read. */
export type RootFiles = ReadonlyMap<string, string | undefined>

/** The files whose text {@link detect} looks at. */
export const files = ["package.json", "pyproject.toml", "setup.cfg", "tox.ini", "Makefile", "makefile", "GNUmakefile"]

interface Manager {
  readonly lock: string
  readonly name: string
  readonly exec: string
}

const managers: ReadonlyArray<Manager> = [
  { lock: "pnpm-lock.yaml", name: "pnpm", exec: "pnpm exec" },
  { lock: "yarn.lock", name: "yarn", exec: "yarn run" },
  { lock: "bun.lock", name: "bun", exec: "bunx --no-install" },
  { lock: "bun.lockb", name: "bun", exec: "bunx --no-install" },
  { lock: "package-lock.json", name: "npm", exec: "npx --no-install" }
]

const npm: Manager = { lock: "package-lock.json", name: "npm", exec: "npx --no-install" }

/** The parts of a `package.json` that matter here; whatever else stands there is ignored. */
export const manifest = (text: string | undefined) => {
  const parsed = parseJson(text ?? "")
  const strings = (key: string): ReadonlyMap<string, string> =>
    new Map(entries(field(parsed, key)).filter((entry): entry is [string, string] => typeof entry[1] === "string"))
  const manager = field(parsed, "packageManager")
  return {
    scripts: strings("scripts"),
    dependencies: new Set([...strings("dependencies").keys(), ...strings("devDependencies").keys()]),
    manager: typeof manager === "string" ? manager.split("@")[0] : undefined
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""))
  } catch {
    return undefined
  }
}

const entries = (value: unknown): ReadonlyArray<[string, unknown]> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []

const field = (value: unknown, key: string): unknown => entries(value).find(([name]) => name === key)?.[1]

const node = (root: RootFiles): ReadonlyArray<Check> => {
  if (!root.has("package.json")) return []
  const { dependencies, manager: declared, scripts } = manifest(root.get("package.json"))
  const manager = managers.find(({ lock }) => root.has(lock)) ?? managers.find(({ name }) => name === declared) ?? npm
  const script = (name: Check["name"], names: ReadonlyArray<string>): ReadonlyArray<Check> => {
    const found = names.find((each) => scripts.has(each) && !/no test specified/.test(scripts.get(each) ?? ""))
    return found === undefined ? [] : [{ name, command: `${manager.name} run ${found}` }]
  }
  const typecheck = script("typecheck", ["typecheck", "type-check", "check-types", "check:types", "types", "tsc"])
  const usesTypeScript = root.has("tsconfig.json") && dependencies.has("typescript")
  return [
    ...script("test", ["test", "tests", "test:unit"]),
    ...(typecheck.length > 0 || !usesTypeScript
      ? typecheck
      : [{ name: "typecheck" as const, command: `${manager.exec} tsc --noEmit` }]),
    ...script("lint", ["lint", "lint:check", "eslint"])
  ]
}

const rust = (root: RootFiles): ReadonlyArray<Check> =>
  root.has("Cargo.toml")
    ? [
        { name: "test", command: "cargo test" },
        { name: "typecheck", command: "cargo check --all-targets" },
        { name: "lint", command: "cargo clippy --all-targets" }
      ]
    : []

const go = (root: RootFiles): ReadonlyArray<Check> =>
  root.has("go.mod")
    ? [
        { name: "test", command: "go test ./..." },
        { name: "typecheck", command: "go build ./..." },
        { name: "lint", command: "go vet ./..." }
      ]
    : []

const python = (root: RootFiles): ReadonlyArray<Check> => {
  const project = [root.get("pyproject.toml"), root.get("setup.cfg"), root.get("tox.ini")].join("\n")
  const prefix = root.has("uv.lock") ? "uv run " : root.has("poetry.lock") ? "poetry run " : "python -m "
  const uses = (name: string, ...own: ReadonlyArray<string>): boolean =>
    own.some((file) => root.has(file)) || new RegExp(`^\\[(?:tool[.:])?${name}[\\].:]`, "m").test(project)
  const test = uses("pytest", "pytest.ini", "conftest.py") || /^[^#]*["']pytest\b/m.test(project)
  return [
    ...(test ? [{ name: "test" as const, command: `${prefix}pytest` }] : []),
    ...(uses("mypy", "mypy.ini") ? [{ name: "typecheck" as const, command: `${prefix}mypy .` }] : []),
    ...(uses("pyright", "pyrightconfig.json") ? [{ name: "typecheck" as const, command: `${prefix}pyright` }] : []),
    ...(uses("ruff", "ruff.toml", ".ruff.toml") ? [{ name: "lint" as const, command: `${prefix}ruff check .` }] : []),
    ...(uses("flake8", ".flake8") ? [{ name: "lint" as const, command: `${prefix}flake8` }] : [])
  ]
}

const make = (root: RootFiles): ReadonlyArray<Check> => {
  const text = root.get("GNUmakefile") ?? root.get("makefile") ?? root.get("Makefile") ?? ""
  const target = (name: Check["name"], ...names: ReadonlyArray<string>): ReadonlyArray<Check> => {
    const found = names.find((each) => new RegExp(`^${each}[ \\t]*:(?!=)`, "m").test(text))
    return found === undefined ? [] : [{ name, command: `make ${found}` }]
  }
  return [
    ...target("test", "test", "tests"),
    ...target("typecheck", "typecheck", "type-check"),
    ...target("lint", "lint")
  ]
}

/** Tells the checks. A target of a Makefile counts only for what nothing else says. */
export const detect = (root: RootFiles): ReadonlyArray<Check> => {
  const own = [...node(root), ...rust(root), ...go(root), ...python(root)]
  return [...own, ...make(root).filter(({ name }) => !own.some((check) => check.name === name))]
}
