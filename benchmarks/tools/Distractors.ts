/**
 * Tools that stand in the way: made by putting kinds of servers, verbs and nouns together, the same ones for the same seed.
 * They are no real tools. Many do the same as a real one, so what is found among them is a lower bound.
 */
import * as Chance from "../Chance.ts"
import type * as Catalog from "./Catalog.ts"

interface Kind {
  readonly about: string
  readonly nouns: ReadonlyArray<string>
  readonly words: ReadonlyArray<string>
}

const kind = (about: string, nouns: string, words: string): Kind => ({
  about,
  nouns: nouns.split(","),
  words: words.split(",")
})

const kinds: ReadonlyArray<Kind> = [
  kind(
    "local file system",
    "file,directory,file info,archive,symlink,text file",
    "path,encoding,recursive,permissions"
  ),
  kind("cloud storage", "file,folder,bucket,object,shared link", "bucket,key,region,content type"),
  kind("word processing documents", "document,paragraph,heading,table,comment,footnote", "document path,style,text"),
  kind("PDF processing", "pdf,page,form field,annotation,bookmark", "pages,output path,password"),
  kind("spreadsheets", "sheet,workbook,cell range,row,pivot table,chart", "range,sheet name,values,formula"),
  kind("presentations", "slide,presentation,shape,template,theme", "slide index,layout,title"),
  kind("web search", "web results,images,news,videos,answers", "query,num results,language,safe search"),
  kind("web scraping", "page,html,links,metadata,screenshot,sitemap", "url,selector,timeout,user agent"),
  kind("browser automation", "page,element,tab,cookie,form,download", "selector,url,timeout,wait until"),
  kind("news aggregation", "headlines,article,feed,trending topics,source", "category,country,keywords,limit"),
  kind("social media", "post,profile,comment,hashtag,trending topics,followers", "username,count,since"),
  kind(
    "stock market data",
    "stock price,quote,dividends,earnings,financial statements,market cap",
    "symbol,period,interval"
  ),
  kind("cryptocurrency data", "crypto price,market data,wallet,token,fear and greed index", "symbol,currency,days"),
  kind("currency and metals", "exchange rate,gold price,silver price,historical rates", "base,quote,date,amount"),
  kind("academic papers", "papers,citation,author,abstract,reference", "query,category,max results,paper id"),
  kind("biomedical research", "articles,clinical trials,gene,variant,drug", "gene,disease,phase,pmid"),
  kind(
    "maps and geocoding",
    "address,route,nearby places,distance,coordinates,map tile",
    "latitude,longitude,radius,mode"
  ),
  kind("weather", "forecast,current weather,air quality,alerts,historical weather", "city,days,units"),
  kind("travel booking", "flights,hotels,listing,booking,train tickets", "check in,check out,guests,date"),
  kind("issue tracking", "issue,sprint,board,comment,label,milestone", "project,assignee,priority,status"),
  kind("source code hosting", "repository,pull request,commit,branch,release,code", "owner,repo,ref,state"),
  kind("containers and clusters", "container,image,pod,deployment,logs,service", "namespace,name,tail"),
  kind("databases", "table,query,schema,index,rows,database", "sql,params,table name,limit"),
  kind("team chat", "message,channel,thread,user,reaction", "channel id,text,thread ts"),
  kind("mail", "email,draft,attachment,mailbox,contact", "to,subject,body,folder"),
  kind("calendars", "event,calendar,availability,reminder,current time", "start,end,timezone,attendees"),
  kind("notes and knowledge", "note,notebook,tag,entity,relation,memory", "title,content,tags,query"),
  kind("task management", "task,project,list,subtask,deadline", "task id,due date,priority"),
  kind("image processing", "image,thumbnail,watermark,metadata,base64 image", "width,height,format,quality"),
  kind("audio and music", "track,playlist,audio,transcript,lyrics", "file path,sample rate,duration"),
  kind("video platforms", "video,transcript,channel,comments,captions", "video id,language,max results"),
  kind("charts and diagrams", "bar chart,line chart,pie chart,flow diagram,mind map", "data,title,axis,theme"),
  kind(
    "math and random numbers",
    "expression,equation,random number,statistics,matrix",
    "expression,min,max,precision"
  ),
  kind("games and esports", "match history,player,leaderboard,card,champion", "region,player name,season"),
  kind("online shopping", "product,deal,order,review,price history", "keyword,category,max price"),
  kind("payments", "invoice,payment,refund,customer,subscription", "amount,currency,customer id"),
  kind("customer relations", "contact,deal,account,lead,campaign", "email,stage,owner"),
  kind("domain names and networks", "domain,dns record,whois record,ip address,certificate", "domain,record type"),
  kind("user interface libraries", "component,documentation,example,icon,theme", "component name,framework,version"),
  kind("software packages", "package,version,dependency,vulnerability,download statistics", "name,version,ecosystem"),
  kind("encyclopedias", "article,summary,section,related topics,facts", "title,language,sentences"),
  kind("translation and text", "text,translation,language,summary,keywords", "text,source,target"),
  kind("smart homes", "device,scene,sensor,automation,thermostat", "device id,state,value"),
  kind("food and recipes", "recipes,restaurants,menu,ingredients,nutrition", "cuisine,diet,servings")
]

/** Ways to name what is done, and to speak of it. `s`: of several. */
const verbs: ReadonlyArray<readonly [verb: string, speaks: string]> = [
  ["get", "Get"],
  ["get", "Retrieve details of"],
  ["fetch", "Fetch"],
  ["list", "List all available"],
  ["search", "Search for"],
  ["find", "Find"],
  ["create", "Create a new"],
  ["create", "Generate"],
  ["update", "Update an existing"],
  ["edit", "Modify"],
  ["delete", "Delete"],
  ["remove", "Permanently remove"],
  ["read", "Read the contents of"],
  ["write", "Write or overwrite"],
  ["convert", "Convert"],
  ["export", "Export"],
  ["analyze", "Analyze"],
  ["download", "Download"],
  ["upload", "Upload"],
  ["validate", "Check and validate"],
  ["move", "Move or rename"],
  ["merge", "Merge multiple"]
]

const endings: ReadonlyArray<string> = [
  "",
  " by its identifier",
  " with optional filters",
  " and return the result as JSON",
  " at the given location",
  ". Supports pagination and sorting",
  ". Use this when the user asks about it. Returns an error message when nothing is found"
]

const syllables = "ka,lo,mi,ra,ten,zu,vor,pel,dex,fin,gra,hub,ion,jet,nex,ora,qui,syn,tal,wex".split(",")

const join: ReadonlyArray<(words: ReadonlyArray<string>) => string> = [
  (words) => words.join("_"),
  (words) => words.join("_"),
  (words) => words.join("-"),
  (words) => words.map((word, n) => (n === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join("")
]

/** Servers with `count` tools together, 4 to 28 each. */
export const make = (count: number, seed: number): Catalog.Part => {
  const next = Chance.make(seed)
  const pick = <A>(list: ReadonlyArray<A>): A => {
    const found = list[Math.floor(next() * list.length)]
    if (found === undefined) throw new Error("an empty list was to be picked from")
    return found
  }
  const tools: Array<Catalog.Tool> = []
  const servers = new Map<string, Catalog.Server>()
  while (tools.length < count) {
    const { about, nouns, words } = pick(kinds)
    const brand = pick(syllables) + pick(syllables) + (next() < 0.4 ? pick(syllables) : "")
    const server = next() < 0.5 ? `${brand}-mcp` : `${brand}-${about.split(" ")[0]}`
    if (servers.has(server)) continue
    servers.set(server, { title: `${brand} MCP Server`, description: `An MCP server for ${about} with ${brand}.` })
    const style = pick(join)
    const prefix = next() < 0.25 ? [brand] : []
    const names = new Set<string>()
    const wanted = Math.min(count - tools.length, 4 + Math.floor(next() * 25))
    for (let tries = 0; tries < 80 && names.size < wanted; tries++) {
      const [verb, speaks] = pick(verbs)
      const noun = pick(nouns)
      const name = style([...prefix, verb, ...noun.split(" ")])
      if (names.has(name)) continue
      names.add(name)
      const place = next() < 0.5 ? "" : ` in ${brand}`
      const used = words.filter(() => next() < 0.6)
      const properties = Object.fromEntries(
        used.map((word) => [word.replaceAll(" ", "_"), { type: "string", description: `The ${word} of the ${noun}` }])
      )
      tools.push({
        server,
        name,
        description: `${speaks} ${noun}${place}${pick(endings)}.`,
        inputSchema: { type: "object", properties }
      })
    }
  }
  return { tools, servers }
}
