/**
 * Traits that changed lines show by their shape. Texts are hostile: every pattern is bounded, none can match the same signs in
 * two ways, and none is made of what it reads.
 */
import * as Redaction from "../Redaction.ts"
import * as FileView from "./FileView.ts"
import type * as Trait from "./Trait.ts"

interface Rule {
  readonly trait: Trait.Trait
  readonly pattern: RegExp
  /** The kinds of file that it is asked of. */
  readonly kinds: ReadonlyArray<FileView.Kind>
  /** Whether what was taken out counts as what was put in does. */
  readonly ofRemoved: boolean
}

const code: ReadonlyArray<FileView.Kind> = ["other", "test"]
const source: ReadonlyArray<FileView.Kind> = ["other"]
const all: ReadonlyArray<FileView.Kind> = ["prose", "test", "other"]
const documents: ReadonlyArray<FileView.Kind> = ["prose"]

const either = (trait: Trait.Trait, kinds: ReadonlyArray<FileView.Kind>, pattern: RegExp): Rule => ({
  trait,
  pattern,
  kinds,
  ofRemoved: true
})
const added = (trait: Trait.Trait, kinds: ReadonlyArray<FileView.Kind>, pattern: RegExp): Rule => ({
  trait,
  pattern,
  kinds,
  ofRemoved: false
})

const rules: ReadonlyArray<Rule> = [
  // What a database looks like: its own language, and that of the usual libraries.
  either(
    "Schema",
    code,
    /\b(?:create|alter|drop|rename|truncate|comment\s{1,9}on)(?:\s|\\[nrt]|\/\*[^*]{0,40}\*\/){1,20}(?:or\s{1,9}replace\s{1,9})?(?:(?:temporary|temp|unlogged|global|local|unique|clustered|fulltext|spatial|concurrently|materialized|external|virtual|foreign|row)\s{1,9}){0,3}(?:table|index|view|schema|database|keyspace|column|type|sequence|trigger|function|procedure|policy|role|user|extension|domain|constraint|tablespace|collection|publication)\b/i
  ),
  either(
    "Schema",
    code,
    /\b(?:add|drop|alter|rename|modify|change)(?:\s|\\[nrt]|\/\*[^*]{0,40}\*\/){1,20}(?:column|constraint|primary\s{1,9}key|foreign\s{1,9}key|index|partition)\b/i
  ),
  either(
    "Schema",
    code,
    /\b(?:create_?table|drop_?table|alter_?table|rename_?table|change_?table|add_?columns?|drop_?columns?|remove_?columns?|alter_?column|rename_?column|change_?column(?:_?(?:null|default))?|add_?index|remove_?index|drop_?index|create_?index(?:es)?|add_?constraint|remove_?constraint|drop_?constraint|add_?foreign_?key|remove_?foreign_?key|add_?reference|add_?timestamps|create_?collection|drop_?collection|create_?join_?table|run_?python|run_?sql|execute_?sql|queryRaw(?:Unsafe)?|executeRaw(?:Unsafe)?|queryInterface|MigrationBuilder|ActiveRecord::Migration|DbMigration|QueryRunner|hasTable|schemaBuilder|create_?type|alter_?type|ensureIndex)\b/i
  ),
  either(
    "Schema",
    code,
    /\b(?:op|migrations)\.[A-Z_a-z]{3,40}\s{0,9}\(|\bknex(?:\.schema)?\b|\bSchema::(?:table|create|drop)/
  ),
  either(
    "Schema",
    source,
    /@(?:Entity|Column|PrimaryColumn|PrimaryGeneratedColumn|Table|ManyToOne|OneToMany|ManyToMany|JoinColumn|Prop|Index|Document)\b|\b(?:pg|mysql|sqlite|singlestore)Table\s{0,9}\(|\b(?:mongoose|sequelize|typegoose)\b|\bdb\.(?:Column|Model|relationship|Table)\b|\bmodels\.(?:Model|[A-Z][A-Za-z]{2,30}Field|ForeignKey|OneToOneField|ManyToManyField)\b|\bDataTypes\.[A-Z]|\bMapped\[|\bmapped_column\b|\bgorm:"|\bdiesel::table!|#\[diesel|\bbelongs_to\b|\bhas_many\b|\bnew Schema\(/
  ),
  either("Auth", code, /\b(?:grant|revoke)\s{1,20}[a-z ,]{3,80}\s{1,9}(?:on|to|from)\b/i),
  either(
    "DataDeletion",
    code,
    /\bdrop(?:\s|\\[nrt]|\/\*[^*]{0,40}\*\/){1,20}(?:table|column|database|schema|keyspace|index|collection|view)\b|\btruncate\s{1,20}(?:table\b|"?[a-z_]{2,60}"?\s{0,9};)|\bdelete(?:\s|\\[nrt]|\/\*[^*]{0,40}\*\/){1,20}from\b|\b(?:deleteMany|dropDatabase|dropCollection|dropTable|drop_table|dropColumn|drop_column|removeColumn|remove_column|DropColumn|DropTable|delete_all|destroy_all|RemoveField|DeleteModel|flushall|flushdb|deleteBucket|delete_bucket|emptyBucket|force_destroy|truncateTable|truncate_table)\b|\bmkfs\b|\bskip_final_snapshot\b|\bprevent_destroy\b/i
  ),
  // Tests clean up after themselves.
  either(
    "DataDeletion",
    source,
    /\brm\s{1,9}-[a-z]{0,4}[rf]|\brmtree\b|\brmSync\b|\bos\.RemoveAll\b|\bremove_dir_all\b|\bFileUtils\.rm_r/
  ),
  // Whom a program talks to is not looked at any more.
  either(
    "Auth",
    source,
    /\bverify(?:_ssl|_certs?|_peer|_host)?["']?\s{0,5}(?:=>|[=:])\s{0,5}(?:false|0\b|none)|InsecureSkipVerify|\bcheck_hostname\b|\bCERT_NONE\b|\bVERIFY_NONE\b|NODE_TLS_REJECT_UNAUTHORIZED|StrictHostKeyChecking|SSL_VERIFY(?:PEER|HOST)|accept_invalid_(?:certs|hostnames)|ServerCertificate(?:Custom)?Validation|TrustAll\w{0,20}|NoopHostnameVerifier|\bcurl\b[^\n]{0,200}\s(?:-k|--insecure)\b/i
  ),
  // A way in from outside.
  either(
    "Route",
    source,
    /\b(?:app|router?|routes?|server|srv|fastify|api|hono|mux|engine|e|r|g|v\d|group|echo|gin|blueprint|bp|http|web|express|koa|polka|elysia|oak|chi|fiber|[a-z]{1,20}(?:Router|Routes|App|Server|Mux|Group|Api))\d?\.(?:get|post|put|patch|delete|del|all|head|options|trace|connect|use|route|routes|add|add_?route|add_?url_?rule|register|register_blueprint|include_router|mount|handle|handle_?func|HandleFunc|Method|MethodFunc|any|ws|websocket|static|map(?:get|post|put|patch|delete|controllers?)?)\s{0,9}[(<]/i
  ),
  either(
    "Route",
    source,
    /[@[](?:Get|Post|Put|Patch|Delete|All|Head|Options|Request|Http(?:Get|Post|Put|Patch|Delete))(?:Mapping)?\s{0,9}[(\]]|@(?:Controller|RestController|RequestMapping|Path|Route|Resolver|Query|Mutation|Subscription|MessagePattern|EventPattern|WebSocketGateway|api_view|action|view_config|app|router|blueprint|bp|api)\b|\[(?:Route|ApiController|HttpGet|HttpPost|HttpPut|HttpPatch|HttpDelete)\b|#\[(?:get|post|put|patch|delete|route|head|options|handler)\s{0,9}\(|\bRoute::[a-z]{3,12}\s{0,9}\(|\b(?:re_)?path\(\s{0,9}r?["']|\burl\(\s{0,9}r["']|\burlpatterns\b|\b(?:publicProcedure|protectedProcedure|\.procedure|createTRPCRouter)\b|\bHttpApi(?:Endpoint|Group|Builder)?\.|\bHttpRouter\.|\bRpc\.make\b|\bRpcGroup\b|\.route\(\s{0,9}["'/]|\bhttp\.(?:Handle|HandleFunc|createServer|ListenAndServe)\b|\bcreateServer\b|\bserve\(\s{0,9}[{(\w]|\bDeno\.serve\b|\bBun\.serve\b|\bexport\s{1,9}(?:default\s{1,9})?(?:async\s{1,9})?(?:function|const)\s{1,9}(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|loader|action|handler|middleware|getServerSideProps)\b|\bchannels?\.route\b|\baddEventListener\(\s{0,9}["']fetch|\bdefine(?:EventHandler|Route|Endpoint)\b|\bregisterTool\b|\bgetServerSideProps\b|["']use server["']/
  ),
  either(
    "Route",
    source,
    /^[ \t]{0,20}(?:resources?|get|post|put|patch|delete|match|root|namespace|scope|mount|live|pipe_through)\s{1,9}[:"'/]/m
  ),
  either(
    "Route",
    source,
    /^[ \t]{0,20}(?:rpc|service|type\s{1,9}(?:Query|Mutation|Subscription)|extend\s{1,9}type)\s{1,9}\w/m
  ),
  either("Route", source, /^[ \t"']{0,20}(?:openapi|swagger|asyncapi)["']?\s{0,9}:\s{0,9}["']?\d/m),
  either("Route", source, /\b(?:method|verb)\s{0,9}[:=]\s{0,9}["'](?:get|post|put|patch|delete)["']/i),
  // What a test or a document has no business with.
  added(
    "Reaches",
    ["test"],
    /\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n]{0,200}\|\s{0,9}(?:ba|z|da)?sh\b|\beval\s{0,9}\(\s{0,9}(?:atob|Buffer\.from|base64|requests|urllib|fetch|await)|\bexec\s{0,9}\(\s{0,9}(?:base64|requests|urllib|zlib|compile)|\bnew Function\s{0,9}\(|\b(?:curl|wget)\b[^\n]{0,200}https?:\/\/(?!localhost|127\.|\[::1)|\$\((?:print)?env\b|\.ssh\/|\.aws\/credentials|\.npmrc\b|\.netrc\b|\.kube\/config|\.docker\/config|\/etc\/(?:passwd|shadow)|169\.254\.169\.254|metadata\.google|\/dev\/tcp\/|\bJSON\.stringify\(\s{0,9}process\.env\s{0,9}\)|\b(?:dict|json\.dumps)\(\s{0,9}(?:dict\(\s{0,9})?os\.environ|\b(?:GITHUB|NPM|NODE_AUTH|AWS_SECRET|AWS_SESSION|GH|PYPI|CI_JOB|DEPLOY|VAULT)_?[A-Z_]{0,40}(?:TOKEN|KEY|PASSWORD|SECRET)\b|\bgit\s{1,9}push\b|\bnpm\s{1,9}publish\b|\bchmod\s{1,9}\+x|\bcrontab\b|\bnc\s{1,9}-[a-z]{1,4}\b|\brm\s{1,9}-[a-z]{1,4}\s{1,9}["']?(?:\/(?!tmp)|~|\$HOME)/i
  ),
  added(
    "ActiveDocument",
    documents,
    /<(?:script|iframe|object|embed|form|meta|base|link|svg|style)\b|\bon(?:error|load|click|mouseover|focus)\s{0,9}=|\bjavascript\s{0,9}:|\bdata:text\/html|^[ \t]{0,9}\.\.\s{1,9}(?:raw|include|literalinclude|csv-table|exec|program-output|jupyter-execute|automodule|autoclass)::|^(?:include|import)::|\{%|<\?(?:php|=)|<%|^```\{/im
  ),
  // What people paste into a shell, and what only agents read.
  added(
    "ActiveDocument",
    documents,
    /\b(?:curl|wget|iwr)\b[^\n]{0,200}\|\s{0,9}(?:sudo\s{1,9})?(?:ba|z|da)?sh\b|<!--[^>]{0,400}\b(?:ignore|disregard|instructions?|assistant|agents?|prompt|you must)\b|\b(?:ignore|disregard|forget)\s{1,9}(?:all\s{1,9})?(?:the\s{1,9}|your\s{1,9})?(?:previous|prior|above|earlier)\s{1,9}(?:instructions?|prompts?|rules)\b/i
  ),
  // What is run where documents are tested.
  added(
    "ActiveDocument",
    documents,
    /^[ \t]{0,20}>>>[^\n]{0,200}\b(?:os|sys|subprocess|shutil|socket|requests|urllib|pathlib|open|exec|eval|__import__)\b|^[ \t]{0,9}(?:```|~~~)[\w+-]{1,20}[ ,]{1,3}[^\n]{0,40}\b(?:run|exec|execute|eval)\b/m
  ),
  added("ActiveDocument", documents, /^---[ \t]{0,9}(?:js|javascript|coffee|cson|toml|json)\b/i),
  added(
    "MarkedGenerated",
    code,
    /@(?:partially-)?generated\b|\bdo not (?:edit|modify)\b|\bcode generated\b|\bauto-?generated\b|\blinguist-(?:generated|vendored|documentation|detectable)\b|\bcoderabbit:ignore|\bnolint:all\b|^\/\* eslint-disable \*\/|\bsonar(?:qube)?[:-]?(?:off|ignore)\b/im
  ),
  added(
    "Hidden",
    all,
    // Not those that emoji and scripts need: joiners, and the selectors of their variants.
    /(?![\t\n\v\f\r]|\u200c|\u200d|\p{Variation_Selector}|\ufeff)[\p{Cc}\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}]|(?<=[^\n])\ufeff/u
  ),
  added(
    "Secret",
    ["prose", "other"],
    /(?:^|[^\w-])(?:[\w-]{0,40}(?:secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|client[_-]?secret)[\w-]{0,20})["']?\s{0,5}(?:[:=]|=>|:=)\s{0,5}["'](?=[^"'\s]{0,80}\d)(?=[^"'\s]{0,80}[a-z])[^"'\s${}<>()]{16,200}["']/im
  )
]

/** Reads them. */
export const read = (view: FileView.FileView): ReadonlyArray<Trait.Found> => {
  const found = new Map<Trait.Trait, Trait.Found>()
  const add = (trait: Trait.Trait, line?: number) => {
    if (found.get(trait)?.line === undefined) found.set(trait, line === undefined ? { trait } : { trait, line })
  }
  for (const { added: put, removed } of view.hunks) {
    for (const { kinds, ofRemoved, pattern, trait } of rules) {
      if (!kinds.includes(view.kind)) continue
      const at = put.text === "" ? -1 : put.text.search(pattern)
      if (at !== -1) add(trait, put.at + put.text.slice(0, at).split("\n").length - 1)
      else if (ofRemoved && removed.text !== "" && pattern.test(removed.text)) add(trait)
    }
    if (put.text !== "" && Redaction.scrub(put.text) !== put.text) add("Secret", put.at)
  }
  const after = FileView.textOf(view.after)
  if (after !== undefined && /^\ufeff?#!/.test(after) && view.kind === "prose") add("ActiveDocument", 1)
  if (view.kind === "prose" && view.hunks.some(({ added: put }) => put.text !== "") && isCode(view))
    add("ActiveDocument")
  return [...found.values()]
}

/** Markdown with components runs what it imports, and what stands between braces. */
const isCode = ({ file, hunks }: FileView.FileView): boolean =>
  /\.mdx$/i.test(file.path) && hunks.some(({ added: put }) => /^[ \t]{0,9}(?:import|export)\b|[{}]/m.test(put.text))
