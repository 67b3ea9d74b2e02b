// The parts of an OpenAPI 3.1 document that the reference shows, with references followed. Pure.

export interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  description?: string
  enum?: unknown[]
  const?: unknown
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
  default?: unknown
  minimum?: number
  maximum?: number
}

export interface Example {
  value?: unknown
}

export interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema
  examples?: Record<string, Example>
}

export interface Media {
  schema?: Schema
  examples?: Record<string, Example>
}

export interface Response {
  description?: string
  content?: Record<string, Media>
  headers?: Record<string, { description?: string }>
}

export interface Operation {
  operationId: string
  summary?: string
  description?: string
  tags?: string[]
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Record<string, Media> }
  responses: Record<string, Response>
  security?: Record<string, unknown>[]
}

export interface OpenApi {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

export interface Call extends Operation {
  method: string
  path: string
}

export interface Field {
  name: string
  schema: Schema
  isRequired: boolean
}

/** The order in which a reader needs them; others come last. */
const TAGS = ["mailboxes", "new messages", "lists of messages", "messages", "service"]
const METHODS = ["get", "post", "put", "patch", "delete"]

/** The object that a `$ref` of this document names; anything else is itself. */
export function follow<T>(document: OpenApi, given: T): T {
  const reference = (given as { $ref?: string } | undefined)?.$ref
  if (!reference?.startsWith("#/")) return given
  let found: unknown = document
  for (const name of reference.slice(2).split("/")) {
    found = (found as Record<string, unknown> | undefined)?.[name.replaceAll("~1", "/").replaceAll("~0", "~")]
  }
  return { ...(found as T), ...given, $ref: undefined }
}

/** The calls under each tag. */
export function byTag(document: OpenApi): [string, Call[]][] {
  const found = new Map<string, Call[]>()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = methods[method]
      if (!operation) continue
      const tag = operation.tags?.[0] ?? "calls"
      const parameters = (operation.parameters ?? []).map((each) => follow(document, each))
      found.set(tag, [...(found.get(tag) ?? []), { ...operation, parameters, method: method.toUpperCase(), path }])
    }
  }
  const place = (tag: string) => (TAGS.includes(tag) ? TAGS.indexOf(tag) : TAGS.length)
  return [...found].sort(([one], [other]) => place(one) - place(other))
}

/** The name of a type as a reader calls it: `string (uuid)`, `list of Address`, `"code" | "link"`. */
export function typeName(schema: Schema | undefined): string {
  if (!schema) return "any"
  const { $ref, type, format, items, enum: values } = schema
  if ($ref) return $ref.split("/").at(-1)!
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (values) return values.map((each) => JSON.stringify(each)).join(" | ")
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf
  if (choices) return [...new Set(choices.map(typeName))].join(" | ")
  if (type === "array" || items) return `list of ${typeName(items)}`
  const name = Array.isArray(type) ? type.join(" | ") : (type ?? "any")
  return format ? `${name} (${format})` : name
}

/** The fields of an object, or of the objects in a list. */
export function fields(document: OpenApi, given: Schema | undefined): Field[] {
  const schema = follow(document, given)
  if (!schema) return []
  const { properties, required = [] } = schema
  if (properties) {
    return Object.entries(properties).map(([name, each]) => ({
      name,
      schema: each,
      isRequired: required.includes(name),
    }))
  }
  if (schema.items) return fields(document, schema.items)
  const choices = schema.allOf ?? schema.oneOf ?? schema.anyOf ?? []
  const found = choices.map((each) => fields(document, each)).filter(({ length }) => length)
  return schema.allOf || found.length === 1 ? found.flat() : (found[0] ?? [])
}

/** The codes of the problems in an error response, with the sentence of each. */
export function problems(response: Response): { code: string; detail: string }[] {
  const examples = Object.values(response.content?.["application/problem+json"]?.examples ?? {})
  return examples.flatMap(({ value }) => {
    const { code, detail } = (value ?? {}) as { code?: string; detail?: string }
    return code ? [{ code, detail: detail ?? "" }] : []
  })
}

/** The command that makes a call, with the examples of its parameters. */
export function curl(call: Call, api: string): string {
  const value = ({ examples }: Parameter) => Object.values(examples ?? {})[0]?.value
  const all = call.parameters ?? []
  const path = call.path.replace(/\{(\w+)\}/g, (given, name: string) =>
    String(value(all.find((each) => each.name === name)!) ?? given),
  )
  const query = all
    .filter((each) => each.in === "query" && each.required)
    .map((each) => `${each.name}=${String(value(each) ?? "…")}`)
  const url = `${api}${path}${query.length ? `?${query.join("&")}` : ""}`
  const method = call.method === "GET" ? "" : `-X ${call.method} `
  const body = Object.values(call.requestBody?.content["application/json"]?.examples ?? {})[0]?.value
  return `curl ${method}${quoted(url)}${body === undefined ? "" : ` \\\n  -d ${quoted(JSON.stringify(body))}`}`
}

const quoted = (text: string) => (/^[\w:/.@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
