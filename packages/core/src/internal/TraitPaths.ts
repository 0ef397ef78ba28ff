/** Traits that the paths and modes of a changed file show, whatever stands in it. */
import * as FileView from "./FileView.ts"
import * as PathForm from "./PathForm.ts"
import type * as Trait from "./Trait.ts"

/** Names as a disk could take them: lower case. Nothing in a pattern repeats what could match the same text in two ways. */
const named: ReadonlyArray<readonly [Trait.Trait, RegExp]> = [
  [
    "Automation",
    /(?:^|\/)(?:\.github|\.gitlab|\.gitea|\.forgejo|\.circleci|\.buildkite|\.teamcity|\.woodpecker|\.husky|\.githooks|\.devcontainer|\.vscode|\.idea|\.millwright)\/|(?:^|\/)(?:\.gitlab-ci|\.travis|\.drone|\.woodpecker|\.appveyor|appveyor|azure-pipelines|bitbucket-pipelines|cloudbuild|buildspec|codemagic|bitrise|\.pre-commit-config|lefthook|\.lefthook|renovate|\.renovaterc|dependabot|mergify|\.mergify|netlify|vercel|fly|render|skaffold|tiltfile|serverless|action|taskfile|docker-compose|compose)(?:\.[a-z0-9.-]+)?$|(?:^|\/)(?:jenkinsfile|makefile|gnumakefile|justfile|rakefile|procfile|vagrantfile|dockerfile|containerfile|earthfile|codeowners|gruntfile|gulpfile)(?:\.[a-z0-9.-]+)?$|\.(?:mk|dockerfile|tf|tfvars|hcl|bicep|nomad|pp)$/
  ],
  [
    "LockFile",
    /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|deno\.lock|cargo\.lock|gemfile\.lock|poetry\.lock|pdm\.lock|uv\.lock|pipfile\.lock|composer\.lock|go\.sum|go\.work\.sum|mix\.lock|pubspec\.lock|podfile\.lock|package\.resolved|packages\.lock\.json|gradle\.lockfile|flake\.lock|conda-lock\.yml|\.terraform\.lock\.hcl|chart\.lock|paket\.lock|manifest\.toml)$|\.lockb?$|\.lockfile$/
  ],
  [
    "Dependency",
    /(?:^|\/)(?:package\.json|package\.json5|package\.yaml|pnpm-workspace\.yaml|deno\.jsonc?|jsr\.json|import_?map\.json|bower\.json|lerna\.json|cargo\.toml|gemfile|setup\.py|setup\.cfg|pyproject\.toml|pipfile|environment\.ya?ml|composer\.json|go\.mod|go\.work|pom\.xml|build\.sbt|project\/plugins\.sbt|build\.gradle(?:\.kts)?|settings\.gradle(?:\.kts)?|libs\.versions\.toml|gradle-wrapper\.properties|packages\.config|nuget\.config|directory\.(?:packages|build)\.(?:props|targets)|mix\.exs|rebar\.config|pubspec\.yaml|podfile|cartfile|package\.swift|conanfile\.(?:txt|py)|vcpkg\.json|flake\.nix|shell\.nix|chart\.yaml|requirements\.ya?ml|stack\.yaml|cabal\.project|project\.clj|deps\.edn|paket\.dependencies|module\.bazel|workspace\.bazel|\.gitmodules|\.npmrc|\.yarnrc(?:\.yml)?|\.pnpmfile\.c?js|pip\.conf|\.pypirc|bunfig\.toml|\.tool-versions|\.nvmrc|\.node-version|\.python-version|\.ruby-version|rust-toolchain(?:\.toml)?|mise\.toml|\.mise\.toml)$|(?:requirements|constraints)[^/]{0,60}\.(?:txt|in)$|(?:^|\/)requirements\/[^/]+\.(?:txt|in)$|\.(?:gemspec|podspec|csproj|fsproj|vbproj|nuspec|cabal|rockspec)$/
  ],
  [
    "InstallScript",
    /(?:^|\/)(?:setup\.py|build\.rs|extconf\.rb|binding\.gyp|\.npmrc|\.pnpmfile\.c?js|\.yarnrc(?:\.yml)?)$/
  ],
  [
    "Schema",
    /(?:^|\/)(?:migrations?|migrate|db_?migrate|alembic|flyway|liquibase|schema_?migrations?|db\/versions)\/|\.(?:sql|ddl|prisma|dbml|avsc|avdl|proto|thrift|fbs|capnp|xsd|cql|hbm\.xml)$|(?:^|\/)(?:schema\.rb|structure\.sql|changelog\.(?:xml|ya?ml)|drizzle\.config\.[a-z]+|knexfile\.[a-z]+|ormconfig\.[a-z]+)$|\.(?:entity|model|migration|schema)\.[a-z]+$|(?:^|[/_-])migrations?[_-][^/]*$|(?:^|\/)(?:v\d+(?:[._]\d+)*__[^/]+|\d{8,14}[_-][^/]+\.(?:[jt]s|py|rb|php|go|exs?))$/
  ],
  [
    "Route",
    /(?:^|\/)(?:routes?|routers?|routing|controllers?|endpoints?|webhooks?|resolvers?|api)(?:\/|\.[a-z]+$)|(?:^|\/)pages\/api\/|(?:^|\/)route\.[cm]?[jt]sx?$|(?:^|\/)\+(?:server|page\.server)\.[jt]s$|(?:^|\/)(?:urls\.py|routes\.rb|web\.php|config\.ru)$|(?:^|[/._-])(?:openapi|swagger|asyncapi)[^/]*\.(?:ya?ml|json)$|\.(?:graphqls?|gql|raml|wsdl|openapi)$|(?:controller|_controller|router|routes|endpoint|resolver)\.[a-z]+$/
  ],
  ["Vendored", /(?:^|\/)(?:vendor|vendored|third[_-]?party|node_modules|bower_components|\.yarn)\//],
  [
    "Secret",
    /(?:^|\/)(?:\.env(?:\.[^/]*)?|\.?netrc|\.htpasswd|\.pgpass|id_(?:rsa|dsa|ecdsa|ed25519)|credentials(?:\.(?:json|ya?ml|ini))?|secrets?\.(?:json|ya?ml|toml|env)|service-account[^/]*\.json)$|\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg)$/
  ],
  // What agents are told, but for what people read first in a folder.
  [
    "ActiveDocument",
    /(?:^|\/)(?:agents|commands|personas|instructions|rules)\/(?:[^/]{1,200}\/){0,20}(?!(?:readme|changelog|license|contributing)\b)[^/]{1,200}\.(?:mdx?|mdc|txt|markdown)$/
  ],
  ["ActiveDocument", /\.(?:rmd|qmd|ipynb|svg|html?|xhtml|hta|chm)$/],
  ["MarkedGenerated", /(?:^|\/)\.gitattributes$/]
]

/** The names that only show how to fill in what the real file holds. */
const sample = /\.(?:example|sample|template|dist|tpl)$/

/** Reads them. */
export const read = (view: FileView.FileView): ReadonlyArray<Trait.Found> => {
  const { file, paths } = view
  const traits: Array<Trait.Trait> = []
  for (const path of paths) {
    const isProse = FileView.kindOf(path) === "prose"
    for (const [trait, pattern] of named) {
      if (isProse && (trait === "Route" || trait === "Schema")) continue
      if (pattern.test(path) && !(trait === "Secret" && sample.test(path))) traits.push(trait)
    }
  }
  const modes = [file.mode, view.previousMode ?? file.mode]
  if (modes.includes("120000")) traits.push("Symlink")
  if (modes.includes("160000")) traits.push("Submodule")
  if (file.status === "type-changed" || modes.some((mode) => !/^(?:100644|100755|100664|120000|160000)$/.test(mode))) {
    traits.push("TypeChanged")
  }
  const wasRun = modes[0] !== modes[1] && modes.includes("100755")
  if ((file.mode === "100755" && file.status !== "deleted") || wasRun) traits.push("Executable")
  if (file.additions === null || file.deletions === null || view.before === "binary" || view.after === "binary") {
    traits.push("Binary")
  }
  if (view.before === "unread" || view.after === "unread") traits.push("Unread")
  if (view.isRestored === true) traits.push("Revert")
  const own = file.previousPath === undefined ? [file.path] : [file.path, file.previousPath]
  if (own.some((path) => !PathForm.isPlain(path))) traits.push("UnusualPath")
  if (file.previousPath !== undefined && paths[0] === paths[1]) traits.push("CaseRename")
  return traits.map((trait) => ({ trait }))
}
