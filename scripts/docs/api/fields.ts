import * as z from 'zod'

/** One field of an input, as a reader of the API needs it. */
export interface Field {
  name: string
  /** Such as `integer, 1 to 100`. */
  type: string
  /** Empty where leaving the field out means that it is absent. */
  preset: string
  required: boolean
  /** Undefined where the schema does not say it. */
  meaning: string | undefined
}

/** What this page reads of a JSON schema. */
const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  format: z.string().optional(),
  description: z.string().optional(),
})
const ObjectSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) })

/** The fields of an object, in their order. */
export function fieldsOf(schema: z.ZodType): Field[] {
  if (schema instanceof z.ZodPipe) return fieldsOf(innerOf(schema))
  if (!(schema instanceof z.ZodObject)) throw new Error('the input of an endpoint must be an object')
  const json = ObjectSchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    type: typeOf(json.properties[name]),
    preset: presetOf(field),
    required: !z.safeParse(field, undefined).success,
    meaning: Schema.parse(json.properties[name]).description,
  }))
}

/** The object that a schema parses, where it prepares the input or transforms the output. */
function innerOf({ in: before, out: after }: z.ZodPipe): z.ZodType {
  const inner = after instanceof z.ZodTransform ? before : after
  if (inner instanceof z.ZodType) return inner
  throw new Error('the input of an endpoint must be an object')
}

/** The objects in the lists of an input, each with the name of its list: of each list one, or one for each of its kinds. */
export const itemsOf = (input: z.ZodType): { list: string; item: z.ZodObject }[] =>
  input instanceof z.ZodObject
    ? Object.entries(input.shape).flatMap(([list, field]) => itemsOfList(field).map((item) => ({ list, item })))
    : []

function itemsOfList(field: unknown): z.ZodObject[] {
  const item = field instanceof z.ZodArray ? field.element : undefined
  if (item instanceof z.ZodObject) return [item]
  if (!(item instanceof z.ZodDiscriminatedUnion)) return []
  return item.options.filter((option): option is z.ZodObject => option instanceof z.ZodObject)
}

function presetOf(field: z.ZodType): string {
  const { data } = z.safeParse(field, undefined)
  const none = data === undefined || data === Number.MAX_SAFE_INTEGER
  return none ? '' : JSON.stringify(data)
}

const grouped = (count: number) => count.toLocaleString('en-US')

function typeOf(json: unknown): string {
  const schema = Schema.parse(json)
  const either = (schema.anyOf ?? schema.oneOf)?.filter((one) => Schema.parse(one).type !== 'null')
  if (either?.length === 1) return typeOf(either[0])
  if (Array.isArray(schema.type) && schema.format === 'job-id')
    return `integer${rangeOf(schema)}, or the uuid or key of a job`
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.type === 'array')
    return schema.maxItems === undefined ? 'list' : `list, at most ${grouped(schema.maxItems)}`
  if (schema.type === 'integer' || schema.type === 'number') return `${schema.type}${rangeOf(schema)}`
  if (schema.format === 'date-time') return 'time, ISO 8601'
  if (schema.type === 'string') return textOf(schema.maxLength)
  return schema.type === undefined ? 'JSON' : String(schema.type)
}

const textOf = (most: number | undefined): string =>
  most === undefined ? 'text' : `text, at most ${grouped(most)} characters`

const isBound = (bound: number | undefined): bound is number =>
  bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER

function rangeOf({ minimum, maximum }: z.output<typeof Schema>): string {
  if (isBound(minimum) && isBound(maximum)) return `, ${grouped(minimum)} to ${grouped(maximum)}`
  return isBound(minimum) ? `, from ${grouped(minimum)}` : ''
}
