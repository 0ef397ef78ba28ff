/** The rules that most factories begin with. `Policy` says what they are for. */
import type * as Policy from "../Policy.ts"

const code =
  "js,jsx,ts,tsx,mjs,cjs,mts,cts,vue,svelte,py,rb,go,rs,java,kt,scala,groovy,cs,fs,vb,php,swift,m,c,h,cc,cpp,hpp,ex,exs,erl,clj,cljs,hs,ml,dart,lua,r,jl,pl,t,zig,nim,elm"
const data = "snap,feature,json,jsonl,ndjson,csv,tsv,txt,xml,html,out,golden,md,diff,patch,log"
const prose = "{md,mdx,markdown,rst,adoc,asciidoc,txt}"

/** Documents and tests. */
export const documentsAndTests: ReadonlyArray<Policy.Rule> = [
  {
    name: "documents",
    paths: ["**/*.{md,markdown,rst,adoc}", `docs/**/*.${prose}`, `**/docs/**/*.${prose}`, `doc/**/*.${prose}`],
    class: "AutoShip"
  },
  {
    name: "tests",
    paths: [
      `**/*.{test,spec}.{${code}}`,
      `**/{test,tests,__tests__,__snapshots__,spec,e2e}/**/*.{${code},${data}}`,
      "**/*_{test,spec}.{go,py,rb,dart,exs,c,cc,cpp,rs}",
      "**/test_*.py",
      "**/*{Test,Tests,Spec}.{java,kt,scala,groovy,cs,php,swift}",
      "**/*.snap"
    ],
    class: "AutoShip"
  }
]

/** What is no document although it reads like one, and no test although it lies among them. */
export const exceptions: ReadonlyArray<Policy.Rule> = [
  {
    name: "instructions for agents",
    paths: [
      "**/{AGENTS,AGENT,CLAUDE,GEMINI,SKILL,COPILOT,CURSOR,WARP,CONVENTIONS}.md",
      "**/{AGENTS,CLAUDE,GEMINI}.*.md",
      "**/.{claude,codex,cursor,gemini,agents,continue,windsurf,aider,kiro,roo,cline,amp,opencode,factory,github}/**",
      "**/.{cursorrules,windsurfrules,clinerules,mcp.json,aider.conf.yml}",
      "**/{prompts,skills}/**/*.{md,mdx,txt,markdown}",
      "**/{llms,llms-full,*.prompt,*prompt*,*instructions*}.{md,txt}"
    ],
    class: "HumanReview"
  },
  {
    name: "what people and machines are promised",
    paths: [
      "**/{LICENSE,LICENCE,COPYING,NOTICE,PATENTS,SECURITY,TERMS,PRIVACY,EULA,GOVERNANCE,OWNERS,MAINTAINERS,CODE_OF_CONDUCT}*",
      "**/*{terms-of,terms_of,privacy-policy,privacy_policy,legal,license,licence}*.*",
      "**/{terms,privacy,pricing,prices,refunds,returns,warranty,imprint,impressum}.{md,mdx,markdown,txt,html}",
      "**/{robots,ads,app-ads,humans,security}.txt",
      "**/.well-known/**",
      "**/CNAME"
    ],
    class: "HumanReview"
  },
  {
    name: "texts that a program uses",
    paths: [
      "**/{templates,template,emails,email,mail,locales,locale,i18n,messages}/**/*.{md,mdx,txt,html}",
      "**/CMakeLists.txt",
      "**/meson*.txt",
      ".changeset/**"
    ],
    class: "HumanReview"
  },
  {
    name: "how tests are run",
    paths: [
      "**/{conftest.py,tsconfig*.json,jsconfig.json,.eslintrc*,.oxlintrc*,biome.json,.babelrc*,babel.config.*}",
      "**/{vitest,jest,karma,playwright,cypress,wdio,ava,stryker,webpack,vite,rollup,eslint,postcss,tailwind}*.config*.*",
      "**/{globalSetup,global-setup,setupTests,setup-tests,jest.setup,vitest.setup,test_helper,spec_helper,rails_helper}.*",
      "**/{test,tests,spec,e2e,__tests__}/{setup,global,environment,runner}*.*",
      "**/{test,tests,spec}/**/{src,lib,app,bin,scripts,migrations,migrate}/**"
    ],
    class: "HumanReview"
  },
  {
    name: "settings of the repository",
    paths: ["**/.git*", "**/.npmrc", "**/.yarnrc*", "**/.pnpmfile*", "**/.editorconfig", "**/.*ignore"],
    class: "HumanReview"
  },
  {
    name: "dependencies",
    paths: [
      "**/package.json",
      "**/Cargo.toml",
      "**/go.mod",
      "**/go.sum",
      "**/requirements*.txt",
      "**/constraints*.txt",
      "**/pyproject.toml"
    ],
    traits: ["Dependency", "LockFile", "InstallScript", "Vendored"],
    class: "HumanReview"
  }
]

/** New endpoints, and what data looks like. */
export const endpointsAndSchema: ReadonlyArray<Policy.Rule> = [
  { name: "endpoints", traits: ["Route"], class: "HumanReview", reviewers: 1 },
  { name: "schema", traits: ["Schema", "DataDeletion"], class: "HumanReview", reviewers: 1 }
]

/** What has no exceptions. What could not be read may be any of it. */
export const sensitive: ReadonlyArray<Policy.Rule> = [
  {
    name: "auth, payments, personal data",
    traits: ["Auth", "Payments", "PersonalData", "Unread"],
    class: "HumanReview",
    reviewers: 2,
    roles: ["domain expert", "validation architect"]
  }
]

/** What nobody but a human touches: what holds secrets, what runs with the repository's own, and the factory itself. */
export const hardStops: ReadonlyArray<Policy.Rule> = [
  {
    name: "automation and secrets",
    paths: [
      ".github/**",
      "**/.github/{workflows,actions}/**",
      "**/.gitlab-ci*",
      ".gitlab/**",
      "**/.circleci/**",
      "**/.buildkite/**",
      "**/{Jenkinsfile,azure-pipelines,bitbucket-pipelines,.travis,.drone,.woodpecker,appveyor,cloudbuild,buildspec}*",
      "**/.husky/**",
      "**/.githooks/**",
      "**/.env*",
      "**/*.pem",
      "**/CODEOWNERS"
    ],
    traits: ["Secret"],
    class: "HardStop"
  },
  { name: "the factory", paths: [".millwright/**", "**/.millwright/**"], class: "HardStop" }
]
