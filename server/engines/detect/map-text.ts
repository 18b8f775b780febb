import { escaped, escapedJson } from '../../../shared/text/escape.ts'

/** A value of a map, written on one line. */
export type Flow = string | number | boolean | null | readonly Flow[] | { readonly [name: string]: Flow }

/** A field of a map: its value on one line, or fields of its own. */
export interface Field {
  name: string
  value?: Flow
  fields?: readonly Field[]
  /** Why the value is this one: behind the field. */
  why?: string | undefined
  /** What somebody must know or decide: each a line in front of the field. A field without a value and fields is these lines alone. */
  notes?: readonly string[]
}

/** The lines of a map as YAML. Names of the database are quoted where YAML would read them as something else. */
export const linesOf = (fields: readonly Field[], indent = ''): string[] =>
  fields.flatMap(({ name, value, fields: within, why, notes = [] }) => {
    const comments = notes.map((note) => `${indent}# ${escaped(note)}`)
    if (value === undefined && within === undefined) return comments
    const behind = why === undefined ? '' : ` # ${escaped(why)}`
    const head = `${indent}${key(name)}:`
    if (value !== undefined) return [...comments, `${head} ${flow(value)}${behind}`]
    return [...comments, `${head}${behind}`, ...linesOf(within ?? [], `${indent}  `)]
  })

function flow(value: Flow): string {
  if (typeof value === 'string') return scalar(value)
  if (value === null || typeof value !== 'object') return String(value)
  if (isList(value)) return `[${value.map(flow).join(', ')}]`
  return `{${Object.entries(value)
    .map(([name, one]) => `${key(name)}: ${flow(one)}`)
    .join(', ')}}`
}

const isList = (value: object): value is readonly Flow[] => Array.isArray(value)

/** Texts that YAML reads as the text that they are; words of it, such as `no`, are not among them. */
const plain = /^[A-Za-z_][\w.()/-]*(?: [\w.()/-]+)*$/
const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i

const scalar = (text: string): string =>
  plain.test(text) && !reserved.test(text) ? text : escapedJson(JSON.stringify(text)).replaceAll('\n', '\\n')

/** A whole number may stand bare as a key, since keys are texts. */
const key = (name: string): string => (/^(?:0|[1-9]\d{0,14})$/.test(name) ? name : scalar(name))
