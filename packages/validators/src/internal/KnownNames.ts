/** Names of packages that nearly everybody knows, which is why others are given names like them. Small on purpose. */
const known = new Set(
  (
    "react react-dom preact vue svelte angular next nuxt vite vitest webpack rollup esbuild typescript eslint prettier babel jest mocha chai sinon " +
    "express fastify koa axios got request node-fetch cross-fetch lodash underscore ramda rxjs effect zod yup moment dayjs luxon date-fns uuid nanoid chalk " +
    "color colors commander yargs minimist inquirer ora debug dotenv cross-env rimraf mkdirp glob semver ws socket.io mongoose mongodb mysql mysql2 pg redis " +
    "ioredis sequelize knex prisma jsonwebtoken bcrypt bcryptjs passport cors helmet body-parser cookie-parser multer nodemailer puppeteer playwright " +
    "cheerio jquery bootstrap tailwindcss postcss sass less electron discord.js ethers web3 openai anthropic graphql apollo classnames immer redux async"
  ).split(" ")
)

const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "")

/** Whether one letter was added, left out, exchanged or swapped with the next. */
const isOneOff = (a: string, b: string): boolean => {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  const [x, y] = [a.slice(start), b.slice(start)]
  const isSwapped = x.length === y.length && x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2)
  return x.slice(1) === y.slice(1) || x.slice(1) === y || x === y.slice(1) || isSwapped
}

/** The known package that a name looks like, and is not. Short names are like too many others. */
export const like = (name: string): string | undefined => {
  if (known.has(name) || name.startsWith("@types/")) return undefined
  const own = name.startsWith("@") ? name.slice(name.indexOf("/") + 1) : name
  // A scope is somebody's own: only what is spelled otherwise is looked at.
  if (own !== name) return undefined
  return [...known].find((other) => other.length >= 5 && (plain(own) === plain(other) || isOneOff(own, other)))
}
