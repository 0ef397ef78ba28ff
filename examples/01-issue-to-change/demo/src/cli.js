#!/usr/bin/env node
import { format, parse } from "./duration.js"

const words = process.argv.slice(2)
try {
  console.log(words[0] === "--ms" ? format(Number(words[1])) : String(parse(words.join(" "))))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
