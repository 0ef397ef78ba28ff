import { createServer } from "node:http"
import { page } from "./page.js"
import { total } from "./price.js"

const json = (response, status, value) => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(value))
}

const read = async (request) => {
  let text = ""
  for await (const part of request) text += part
  return JSON.parse(text)
}

const server = createServer(async (request, response) => {
  if (request.method === "GET" && request.url === "/") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" })
    return response.end(page)
  }
  if (request.method !== "POST" || request.url !== "/total") return json(response, 404, { error: "no such page" })
  try {
    const { items } = await read(request)
    json(response, 200, { cents: total(items) })
  } catch {
    json(response, 400, { error: "an order is { items: [{ cents, count }] }" })
  }
})

server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`)
})
