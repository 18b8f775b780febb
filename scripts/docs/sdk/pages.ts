import type * as z from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { failureCodes } from '../../../shared/errors.ts'
import { about, type Name } from '../endpoint-meanings.ts'
import { meaningOf } from '../field-meanings.ts'
import { inputSchema, type ObjectSchema, outputSchema } from '../openapi/schemas.ts'
import { namedTypes } from './named-types.ts'
import { declarationOf, type Named } from './type-text.ts'

const all: Record<Name, Endpoint> = endpoints
const isName = (name: string): name is Name => name in about
const names = Object.keys(about).filter(isName)
const { eventStream, statsStream } = endpoints

const head = '/* Made from the schemas in shared/ by `npm run docs`. */\n\n'

/** `stats` as the beginning of the name of a type: `Stats`. */
const typeName = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`

const named: readonly Named[] = Object.entries(namedTypes).map(([name, { schema }]) => ({
  name,
  json: outputSchema(schema),
}))

/** The types of the inputs and answers of all calls: plain interfaces, so that no declaration needs a schema. */
export function wireTypesPage(): string {
  return [
    head,
    `/** The stable word of an error. A later version may have further ones. */\nexport type ErrorCode = ${sentCodes.map((code) => `'${code}'`).join(' | ')}\n\n`,
    ...named.map(
      ({ name, json }) =>
        `/** ${namedTypes[name]?.meaning} */\n${declarationOf(name, json, { named: named.filter((one) => one.name !== name), list: '' })}\n`,
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

function inputOf(name: string, schema: z.ZodType): string {
  const json = inputSchema(schema)
  const fields = Object.keys(json.properties)
  const of = name === 'eventStream' || name === 'statsStream' ? 'events' : name
  return `${declarationOf(`${typeName(name)}Input`, json, {
    named: [],
    list: 'readonly ',
    meaningOf: (field) => typeName(meaningOf(of, field, fields)),
  })}\n`
}

const outputOf = (name: Name): string =>
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

function methodOf(name: Name): string {
  const sentence = needsConfirmation(all[name]) ? `${about[name]} A change needs \`confirm\`.` : about[name]
  const input = `input${isOptional(name) ? '?' : ''}: ${typeName(name)}Input`
  return `  /** ${sentence} */\n  ${name}: (${input}, options?: CallOptions) => Promise<${typeName(name)}Output>`
}

const isOptional = (name: Name): boolean => requiredOf(inputSchema(all[name].input)).length === 0
const requiredOf = ({ required }: ObjectSchema): readonly string[] => required
