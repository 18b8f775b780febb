import { Accepted, ProgressLine } from '../../../shared/changes/bulk-change.ts'
import { version } from '../../../shared/version.ts'
import { all, names } from '../api/calls.ts'
import { components, withRefs } from './components.ts'
import { answersByName, headerParameters, operationOf, pathOf } from './operation.ts'
import { invalidRules, problemSchema } from './problem.ts'
import { type JsonSchema, outputSchema } from './schemas.ts'
import { probes, streams } from './streams.ts'
import { tags } from './tags.ts'

/** The OpenAPI 3.1 document of the whole API, as JSON. */
export function openApiDocument(): string {
  const document = {
    openapi: '3.1.0',
    info: { title: 'jobs-server', version, description: invalidRules, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'The root of the server.' }],
    security: [{ key: [] }, { token: [] }],
    tags,
    paths: pathsOf(),
    components: {
      parameters: headerParameters,
      schemas: {
        Problem: problemSchema,
        Accepted: withRefs(outputSchema(Accepted)),
        ProgressLine: withRefs(outputSchema(ProgressLine)),
        ...Object.fromEntries(
          components.map(({ name, schema, meaning }) => [name, { description: meaning, ...withRefs(schema, name) }]),
        ),
        ...answersByName(),
      },
      responses: {
        Accepted: responseOf('The change goes on without its caller.', 'application/json', 'Accepted'),
        Invalid: responseOf('The input is refused, with every fault. Nothing was changed.', problem, 'Problem'),
        Problem: responseOf('An error (RFC 9457).', problem, 'Problem'),
      },
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'X-API-KEY', description: 'The key of a single-user server.' },
        token: { type: 'http', scheme: 'bearer', description: 'A token of a multi-user server.' },
      },
    },
  }
  return `${JSON.stringify(document, undefined, 1)}\n`
}

const problem = 'application/problem+json'

const responseOf = (description: string, type: string, schema: string): JsonSchema => ({
  description,
  content: { [type]: { schema: { $ref: `#/components/schemas/${schema}` } } },
})

/** All calls by path and method, in the order of the page of the HTTP API. */
function pathsOf(): Record<string, JsonSchema> {
  const paths: Record<string, JsonSchema> = {}
  const add = (path: string, method: string, operation: JsonSchema) => {
    paths[pathOf(path)] = { ...paths[pathOf(path)], [method.toLowerCase()]: operation }
  }
  for (const name of names) {
    const endpoint = all[name]
    for (const [at, path] of [endpoint.path, ...(endpoint.aliases ?? [])].entries()) {
      const isOld = at > 0 && path !== endpoint.keyed && path !== endpoint.preferred
      const operation = operationOf(name, { ...endpoint, path }, at === 0 ? name : `${name}${at + 1}`)
      add(path, endpoint.method, { ...operation, ...(isOld && { deprecated: true }) })
    }
  }
  for (const { path, operation } of [...streams(), ...probes]) add(path, 'GET', operation)
  return paths
}
