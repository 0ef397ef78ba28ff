import { defineConfig } from "vitest/config"

// Where `.ci/run` wants the results as JSON, beside what a person reads.
const outputFile = process.env["MILLWRIGHT_TEST_REPORT"]

export default defineConfig({
  test: {
    include: ["{packages,examples}/*/test/**/*.test.ts", "benchmarks/test/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    reporters: outputFile === undefined ? ["default"] : ["default", ["json", { outputFile }]]
  }
})
