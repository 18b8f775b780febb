import type * as z from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import type { EndpointName } from '../../../shared/endpoint-names.ts'
import { eventStream, statsStream } from '../../../shared/endpoints.ts'
import { failureCodes } from '../../../shared/errors.ts'
import { all, meaningOf, names, typeName } from '../api/calls.ts'
import { inputSchema, type ObjectSchema, outputSchema, sentSchema } from '../openapi/schemas.ts'
import { baseTypes, namedTypes } from './named-types.ts'
import { declarationOf, type Named, namedType } from './type-text.ts'

const head = '/* Made from the schemas in shared/ by `npm run docs`. */\n\n'

const sizeOf = (json: unknown): number => JSON.stringify(json).length

const schemas = Object.entries({ ...namedTypes, ...baseTypes }).map(
  ([name, { schema, sent, meaning }]) =>
    ({
      name,
      meaning,
      json: sent ? sentSchema(schema) : outputSchema(schema),
      list: sent ? 'readonly ' : '',
    }) as const,
)

/** The names, the shorter schema first: a schema is longer than each of its parts, which it names. */
const named: Named[] = []
for (const { name, json, list } of schemas.toSorted((one, other) => sizeOf(one.json) - sizeOf(other.json))) {
  named.push(namedType(name, json, { named, list }))
}

/** The types of the inputs and answers of all calls: plain interfaces, so that no declaration needs a schema. */
export function wireTypesPage(): string {
  return [
    head,
    `/** The stable word of an error. A later version may have further ones. */\nexport type ErrorCode = ${sentCodes.map((code) => `'${code}'`).join(' | ')}\n\n`,
    ...schemas.map(
      ({ name, meaning, json, list }) =>
        `/** ${meaning} */\n${declarationOf(name, json, { named: named.filter((one) => one.name !== name), list })}\n`,
    ),
    ...names.flatMap((name) => [inputOf(name, all[name].input), outputOf(name)]),
    inputOf('eventStream', eventStream.input),
    inputOf('statsStream', statsStream.input),
  ]
    .join('')
    .replace(/\n+$/, '\n')
}

/** Codes that only the command line has are sent by no server. */
const sentCodes = failureCodes.filter((code) => !['usage', 'interrupted', 'terminated'].includes(code))

const inputOf = (name: string, schema: z.ZodType): string =>
  `${declarationOf(`${typeName(name)}Input`, inputSchema(schema), { named, list: 'readonly ' })}\n`

const outputOf = (name: EndpointName): string =>
  `${declarationOf(`${typeName(name)}Output`, outputSchema(all[name].output), { named, list: '' })}\n`

/** The calls by name: their types, and how each goes to the server. */
export function wireCallsPage(): string {
  const types = names.flatMap((name) => [`${typeName(name)}Input`, `${typeName(name)}Output`]).sort()
  return `${head}import type { Call, CallOptions } from '../call/call.ts'
import type {
${types.map((type) => `  ${type},`).join('\n')}
} from './types.ts'

/** A method for each call of the API. Each throws JobsError. */
export interface Calls {
${names.map(methodOf).join('\n')}
}

/** The methods, by the function that sends a request. */
export const callsOf = (call: Call): Calls => ({
${names.map((name) => `  ${name}: (input${isOptional(name) ? ' = {}' : ''}, options) => call('${all[name].method}', '${all[name].path}', input, options),`).join('\n')}
})

/** The streams of server-sent events. */
export const streamPaths = {
  eventStream: '${eventStream.path}',
  statsStream: '${statsStream.path}',
} as const
`
}

const needsConfirmation = ({ method, unconfirmed }: Endpoint): boolean => method !== 'GET' && !unconfirmed

function methodOf(name: EndpointName): string {
  const meaning = meaningOf(name, all[name].meaning)
  const sentence = needsConfirmation(all[name]) ? `${meaning} A change needs \`confirm\`.` : meaning
  const input = `input${isOptional(name) ? '?' : ''}: ${typeName(name)}Input`
  return `  /** ${sentence} */\n  ${name}: (${input}, options?: CallOptions) => Promise<${typeName(name)}Output>`
}

const isOptional = (name: EndpointName): boolean => requiredOf(inputSchema(all[name].input)).length === 0
const requiredOf = ({ required }: ObjectSchema): readonly string[] => required
