import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import * as endpoints from '../../../shared/endpoints.ts'
import { everyRead, rowsOfAllKinds } from '../../support/replay/reads.ts'
import { valuesOf } from '../../support/schema-values.ts'
import { openWorld, type World } from '../../support/world.ts'

const Json = z.record(z.string(), z.unknown())
const Content = z.record(z.string(), z.looseObject({ schema: Json }))
const Parameter = z.looseObject({ name: z.string(), in: z.string(), required: z.boolean(), schema: Json })
const Operation = z.looseObject({
  operationId: z.string(),
  parameters: z.array(z.union([z.strictObject({ $ref: z.string() }), Parameter])).default([]),
  requestBody: z.looseObject({ content: Content }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: Content.optional() })),
})
const Components = z.looseObject({ components: z.looseObject({ schemas: Json }) })
const Document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), Operation)) })
/** A document in which the schemas stand where they are referred to, each with what it means there. */
function inlined(value: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((one) => inlined(one, schemas))
  if (typeof value !== 'object' || value === null) return value
  const { $ref, ...rest } = { $ref: undefined, ...value }
  const [, name = ''] = /^#\/components\/schemas\/(\w+)$/.exec(String($ref)) ?? []
  if (name !== '') return { ...Object(inlined(schemas[name], schemas)), ...rest }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inlined(one, schemas)]))
}

/** The fields of a call by their place, and the schema of each. */
function fieldsOf(operation: z.output<typeof Operation>) {
  const body = z
    .looseObject({ properties: z.record(z.string(), Json), required: z.array(z.string()).default([]) })
    .optional()
    .parse(operation.requestBody?.content['application/json']?.schema)
  const inUrl = operation.parameters.flatMap((parameter) =>
    'name' in parameter && parameter.in !== 'header' ? [parameter as z.output<typeof Parameter>] : [],
  )
  return [
    ...inUrl.map(({ name, in: place, required, schema }) => ({ name, place, required, schema })),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) => ({
      ...{ name, place: 'body', required: body?.required.includes(name) ?? false, schema },
    })),
  ]
}

interface Call {
  path: string
  method: string
  operation: z.output<typeof Operation>
  fields: ReturnType<typeof fieldsOf>
}

/**
 * Calls in which some fields exclude or need each other, or must name what is there, as no JSON schema of ours says, and one that no job of our own
 * can take.
 */
const beyond =
  /^(addAttachment|acquire|addHold|applyPlan|applyPolicy|callerNames|cancelRequests|clusterTimes|controlQueue|edit|erase|followOperation|history|makeToken|openAgentSession|openSession|previewPlan|proposePlan|queueMinutes|redrive|setApproval|setTokenLimits|setTokenRole|setTokenScope|simulatePolicy|sweep|throttleQueue|undo|.*Stream)/
/** Fields whose values must name what is there or is past, keep a setting of the server, or need another field. */
const beyondFields = ['depends_on', 'cursor', 'lease_seconds', 'set_now', 'at', 'unique']

describe('the OpenAPI document', () => {
  let world: World
  let document: z.output<typeof Document>
  let calls: Call[]
  const ajv = formats.default(new Ajv2020({ strict: false }))
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.sql.unsafe(rowsOfAllKinds)
    const { status, body } = await world.call('GET', '/openapi.json', undefined, { 'x-api-key': '' })
    expect(status).toBe(200)
    document = Document.parse(inlined(body, Components.parse(body).components.schemas))
    calls = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        ...{ path, method: method.toUpperCase(), operation, fields: fieldsOf(operation) },
      })),
    )
    ajv.addSchema(document, 'document')
  })
  afterAll(() => world?.stop())

  it('keeps the standard', async () => {
    expect(await new Validator().validate(document)).toMatchObject({ valid: true })
  })

  it('says of every object which fields it has, or that it has any: generators of types take nothing said for none', () => {
    const Fields = z.looseObject({ type: z.literal('object') })
    const silent = (value: unknown, place: string): string[] => {
      if (typeof value !== 'object' || value === null) return []
      const { success, data = {} } = Fields.safeParse(value)
      const isSilent = success && !('properties' in data) && !('additionalProperties' in data)
      return [
        ...(isSilent ? [place] : []),
        ...Object.entries(value).flatMap(([key, one]) => silent(one, `${place}/${key}`)),
      ]
    }
    expect(silent(document, '#')).toEqual([])
  })

  it('has examples that keep their schemas', () => {
    const Example = z.looseObject({ schema: Json, example: z.unknown().optional() })
    const contents = calls.flatMap(({ operation: { requestBody, responses } }) =>
      [requestBody?.content, ...Object.values(responses).map(({ content }) => content)].flatMap((one) =>
        Object.values(one ?? {}),
      ),
    )
    const given = contents.map((content) => Example.parse(content)).filter(({ example }) => example !== undefined)
    expect(given.length).toBeGreaterThan(10)
    for (const { schema, example } of given)
      expect([example, ajv.validate(schema, example), ajv.errorsText()]).toEqual([example, true, 'No errors'])
  })

  it('tags each call, with a meaning for each tag', () => {
    const Tagged = z.looseObject({ tags: z.array(z.object({ name: z.string(), description: z.string() })) })
    const known = Tagged.parse(document).tags.map(({ name }) => name)
    const used = calls.map(({ operation: { tags } }) => z.array(z.string()).length(1).parse(tags)[0])
    expect([...new Set(used)].sort()).toEqual(known.sort())
  })

  it('has every call of the API, and no other', async () => {
    const known = Object.values(endpoints).flatMap((endpoint) =>
      [endpoint.path, ...('aliases' in endpoint ? endpoint.aliases : [])].map(
        (path) => `${'method' in endpoint ? endpoint.method : 'GET'} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
      ),
    )
    const others = ['GET /healthz', 'GET /readyz', 'GET /openapi.json']
    expect(calls.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...known, ...others].sort())
  })

  it('has the schemas of what the reads answer', async () => {
    for (const read of everyRead()) {
      const path = read.split('?')[0] ?? ''
      const call = calls.find(
        (one) => one.method === 'GET' && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '\\d+')}$`).test(path),
      )
      const { status, body } = await world.call('GET', read)
      const schema = call?.operation.responses[String(status)]?.content?.['application/json']?.schema
      if (status !== 200 || schema === undefined) continue
      expect([read, ajv.validate(schema, body), ajv.errorsText()]).toEqual([read, true, 'No errors'])
    }
  })

  it('has the schema of the error of a request that reaches no endpoint', async () => {
    const { status, body } = await world.call('GET', `/api/v1/jobs/list?error=${'x'.repeat(20_000)}`)
    const isValid = ajv.validate({ $ref: 'document#/components/schemas/Problem' }, body)
    expect([status, isValid, ajv.errorsText()]).toEqual([431, true, 'No errors'])
  })

  const send = (call: Call, values: Record<string, unknown>) => {
    const fields = call.fields
    const of = (place: string) =>
      Object.entries(values).filter(([name]) => fields.some((field) => field.name === name && field.place === place))
    const path = of('path').reduce(
      (url, [name, value]) => url.replace(`{${name}}`, encodeURIComponent(String(value))),
      call.path,
    )
    const query = new URLSearchParams(of('query').map(([name, value]): [string, string] => [name, String(value)]))
    const dry = fields.some(({ name }) => name === 'dry_run') ? { dry_run: true } : {}
    const body = call.method === 'GET' ? undefined : { ...dry, ...Object.fromEntries(of('body')) }
    return world.call(call.method, `${path}?${query}`, body)
  }

  it('takes nothing that the server refuses', async () => {
    const tried = calls
      .filter(({ path, operation }) => path.startsWith('/api') && !beyond.test(operation.operationId))
      .flatMap((call) =>
        [undefined, ...call.fields.filter(({ name, required }) => !required && !beyondFields.includes(name))].map(
          (field) => ({ call, field }),
        ),
      )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...tried).chain(({ call, field }) => {
          const sent = call.fields.filter((one) => one.required || one.name === field?.name)
          return fc.record({
            call: fc.constant(call),
            values: fc.record(Object.fromEntries(sent.map(({ name, schema }) => [name, valuesOf(schema)]))),
          })
        }),
        async ({ call, values }) => {
          // A change of a filter must say that it means every domain, or name one.
          const isFilter =
            call.fields.some(({ name, place }) => name === 'domain' && place === 'body') && values.all !== true
          const answer = await send(call, { ...(isFilter && { domain: 'd' }), ...values })
          expect([call.operation.operationId, values, answer.status === 422 && answer.body]).toEqual([
            call.operation.operationId,
            values,
            false,
          ])
          expect(answer.status).toBeLessThan(500)
        },
      ),
      { numRuns: 150 },
    )
  })

  const texts = ['x'.repeat(5000), '-1.5']
  const wrong = [{ a: 1 }, -1.5, 'x'.repeat(5000)]

  it('refuses nothing that the server takes, but for spaces, case, blank texts and null', async () => {
    // A login is refused before its body is read, unless it comes from a page of the server.
    const tried = calls.filter(({ operation }) => operation.operationId !== 'openSession')
    for (const call of tried.filter(({ path }) => path.startsWith('/api') && !path.endsWith('/stream'))) {
      const fields = call.fields
      const [needed = {}] = fc.sample(
        fc.record(
          Object.fromEntries(
            fields.filter(({ required }) => required).map(({ name, schema }) => [name, valuesOf(schema)]),
          ),
        ),
        1,
      )
      for (const { name, place, schema } of fields.filter(({ place }) => place !== 'path')) {
        for (const value of place === 'query' ? texts : wrong) {
          if (ajv.validate(schema, value)) continue
          const { status } = await send(call, { ...needed, [name]: value })
          expect([call.operation.operationId, name, value, status]).toEqual([
            call.operation.operationId,
            name,
            value,
            422,
          ])
        }
      }
    }
  })
})
