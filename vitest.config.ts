import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

// Where `.ci/run` wants the results as JSON, beside what a person reads.
const outputFile = process.env["MILLWRIGHT_TEST_REPORT"]

/** Files that run a whole suite against a machine, and take longest: begun last, one of them would be waited for alone. */
const long = /\/sandbox\/test\/(?:adapters|workspaces)\//

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>) {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ["{packages,examples}/*/test/**/*.test.ts", "benchmarks/test/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // On a busy machine of CI one of some thousand tests may be late. It gets a second try, and `.ci/run` names it with why it
    // failed first: it is looked into like any other failure. At home nothing is tried twice.
    retry: process.env["CI"] === undefined ? 0 : 1,
    pool: "forks",
    // One less by default, which on two cores is one file at a time; most of them wait for processes of their own.
    maxWorkers: Math.max(2, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    reporters: outputFile === undefined ? ["default"] : ["default", ["json", { outputFile }]]
  }
})
