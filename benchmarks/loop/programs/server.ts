/** The model on loopback, in a process of its own: takes each request whole, looks at nothing of it, and sends the next answer. */
import { createServer } from "node:http"
import * as Answers from "../Answers.ts"

const answers = Answers.all(JSON.parse(process.argv[2] ?? ""))
let next = 0
const server = createServer((request, response) => {
  request.resume().once("end", () => {
    const answer = request.method === "POST" ? answers[next++] : undefined
    if (answer === undefined) return response.writeHead(400).end(`There are ${answers.length} answers.`)
    response.writeHead(200, { "content-type": answer.type, "content-length": answer.bytes.length })
    response.end(answer.bytes)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The server has no port.")
  console.log(JSON.stringify({ url: `http://127.0.0.1:${address.port}` }))
})
// Whoever started this program is gone when its end of the pipe is.
process.stdin.on("end", () => process.exit(0)).resume()
