import { expect, test } from "vitest"
import { byTag, curl, fields, typeName, type Call, type OpenApi } from "../src/reference/document"

const document: OpenApi = {
  info: { title: "x", version: "1" },
  paths: {
    "/b": { get: { operationId: "b", tags: ["service"], responses: {} } },
    "/a/{id}": {
      patch: {
        operationId: "a",
        tags: ["mailboxes"],
        parameters: [{ name: "id", in: "path", required: true, examples: { one: { value: "7" } } }],
        requestBody: { content: { "application/json": { examples: { one: { value: { name: "it's" } } } } } },
        responses: {},
      },
    },
  },
  components: {
    schemas: {
      Box: { type: "object", properties: { owner: { $ref: "#/components/schemas/Owner" } }, required: ["owner"] },
      Owner: { type: "object", properties: { name: { type: "string" } } },
    },
  },
}

test("calls are in the order in which a reader needs them", () => {
  expect(byTag(document).map(([tag]) => tag)).toEqual(["mailboxes", "service"])
})

test("a command has the examples of the call, quoted for a shell", () => {
  const [[, [call]]] = byTag(document) as [[string, [Call]]]

  expect(curl(call, "https://api.test")).toBe(`curl -X PATCH https://api.test/a/7 \\\n  -d '{"name":"it'\\''s"}'`)
})

test("a type is named as a reader calls it", () => {
  expect(typeName({ type: "array", items: { $ref: "#/components/schemas/Box" } })).toBe("list of Box")
  expect(typeName({ oneOf: [{ type: "string", format: "date-time" }, { type: "null" }] })).toBe(
    "string (date-time) | null",
  )
  expect(typeName({ enum: ["code", "link"] })).toBe('"code" | "link"')
})

test("the fields of objects in a list are found through references", () => {
  const found = fields(document, { type: "array", items: { $ref: "#/components/schemas/Box" } })

  expect(found.map(({ name, isRequired }) => [name, isRequired])).toEqual([["owner", true]])
  expect(fields(document, found[0]!.schema).map(({ name }) => name)).toEqual(["name"])
})
