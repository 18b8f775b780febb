import * as z from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { showJob } from '../../../shared/jobs/show.ts'
import { Job } from '../../../shared/work/job.ts'
import { type Treatment, treatmentOf } from './treatments.ts'

/** What an agent gets of a value of an answer. */
export type Shape =
  | { is: 'object'; fields: ReadonlyMap<string, Shape> }
  | { is: 'array'; item: Shape }
  /** Numbers by words, such as counts by states. */
  | { is: 'numbers' }
  /** A number, a boolean, or one of some words. */
  | { is: 'given'; words: readonly string[] }
  | { is: 'time' }
  | { is: 'text'; treatment: Treatment }

/** A part of a JSON schema, as far as a shape follows from it. */
const Part = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  format: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  get anyOf() {
    return z.array(Part).optional()
  },
  get oneOf() {
    return z.array(Part).optional()
  },
  get items() {
    return Part.optional()
  },
  get properties() {
    return z.record(z.string(), Part).optional()
  },
  get additionalProperties() {
    return z.union([z.boolean(), Part]).optional()
  },
})
type Part = z.output<typeof Part>

/** An answer whose columns are not all in its schema, and the schema that has them. */
const columns = new Map<z.ZodType, z.ZodType>([[showJob.output, Job]])

/**
 * The shape of an answer. It follows from the schema and the names of the fields alone: a new field that can hold a text is withheld until
 * somebody classifies it.
 * @param added the names of `JOBS_AGENT_FIELDS`
 */
export function shapeOfAnswer({ output }: Pick<Endpoint, 'output'>, added: ReadonlySet<string>): Shape {
  const more = columns.get(output)
  const shapes = [output, ...(more ? [more] : [])].map((schema) =>
    shapeOf(Part.parse(z.toJSONSchema(schema, { unrepresentable: 'any' })), '', added),
  )
  return merged(shapes)
}

function shapeOf(part: Part, name: string, added: ReadonlySet<string>): Shape {
  const treatment = treatmentOf(name, added)
  if (treatment === 'withheld') return { is: 'text', treatment }
  const choices = part.anyOf ?? part.oneOf
  if (choices) return merged(choices.filter(({ type }) => type !== 'null').map((one) => shapeOf(one, name, added)))
  const types = [part.type ?? []].flat().filter((type) => type !== 'null')
  if (part.enum || part.const !== undefined)
    return { is: 'given', words: (part.enum ?? [part.const]).filter((value) => typeof value === 'string') }
  if (types.includes('array')) return { is: 'array', item: shapeOf(part.items ?? {}, name, added) }
  if (part.properties) {
    const fields = Object.entries(part.properties).map(([field, of]): [string, Shape] => [
      field,
      shapeOf(of, field, added),
    ])
    return { is: 'object', fields: new Map(fields) }
  }
  if (types.includes('object') && isNumber(part.additionalProperties)) return { is: 'numbers' }
  if (part.format === 'date-time') return { is: 'time' }
  if (types.length > 0 && types.every((type) => scalar.has(type))) return { is: 'given', words: [] }
  return { is: 'text', treatment: treatment ?? 'withheld' }
}

const scalar = new Set(['number', 'integer', 'boolean'])

const isNumber = (part: Part['additionalProperties']): boolean =>
  typeof part === 'object' && (part.type === 'number' || part.type === 'integer')

/** The shape of a value that has one of several. Objects have the fields of all; of others, the one that says most stands. */
function merged([first, ...others]: readonly Shape[]): Shape {
  if (!first) return { is: 'text', treatment: 'withheld' }
  return others.reduce((one, other) => {
    if (one.is === 'object' && other.is === 'object') {
      const names = new Set([...one.fields.keys(), ...other.fields.keys()])
      const of = (name: string) => [one.fields.get(name), other.fields.get(name)].filter((field) => field !== undefined)
      return { is: 'object', fields: new Map([...names].map((name) => [name, merged(of(name))])) }
    }
    if (one.is === 'array' && other.is === 'array') return { is: 'array', item: merged([one.item, other.item]) }
    if (one.is === 'given' && other.is === 'given')
      return { is: 'given', words: [...new Set([...one.words, ...other.words])] }
    // A number or a text, such as the id of a job: the treatment of the text takes numbers, too.
    return one.is === 'given' ? other : one
  }, first)
}

/** True for a value that is left out of every answer. */
export const isWithheld = (shape: Shape): boolean =>
  shape.is === 'array' ? isWithheld(shape.item) : shape.is === 'text' && shape.treatment === 'withheld'
