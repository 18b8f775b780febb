import { isPseudonym, type Pseudonyms } from './pseudonyms.ts'
import { isWithheld, type Shape } from './shape.ts'
import { cleanText, isInstant, isPlainId, isWord } from './texts.ts'
import { type PseudonymKind, type Treatment, treatmentOfFact } from './treatments.ts'

interface Giving {
  pseudonyms: Pseudonyms
  /** The names of `JOBS_AGENT_FIELDS`. */
  added: ReadonlySet<string>
}

interface Given {
  value: unknown
  /** The names of the fields that had a value, in their order. */
  fields: string[]
}

/** What an agent gets of an answer. What is withheld is left out. */
export function give(giving: Giving, shape: Shape, answer: unknown): Given {
  const fields = new Set<string>()
  return { value: giver(giving, fields)(shape, '', answer), fields: [...fields] }
}

/** A name where it is one word or empty, else its pseudonym. */
export const givenName = (pseudonyms: Pseudonyms, kind: PseudonymKind, text: string): string =>
  // A name that is a pseudonym would pass for somebody else's.
  text === '' || (isWord(text) && !isPseudonym(kind, text)) ? text : pseudonyms.of(kind, text)

function giver({ pseudonyms, added }: Giving, seen: Set<string>) {
  /** Undefined for what is withheld. */
  const ofShape = (shape: Shape, name: string, value: unknown): unknown => {
    if (isWithheld(shape)) return undefined
    if (value === null || value === undefined) return value
    switch (shape.is) {
      case 'object':
        return isObject(value) ? fieldsOf(value, (field) => shape.fields.get(field)) : undefined
      case 'array':
        return Array.isArray(value) ? listOf(value, (item) => ofShape(shape.item, name, item)) : undefined
      case 'numbers':
        return isObject(value) ? numbersOf(value, name) : undefined
      case 'given':
        return isScalar(value) || (typeof value === 'string' && shape.words.includes(value))
          ? noted(name, value)
          : undefined
      case 'time':
        return typeof value === 'string' && isInstant(value) ? noted(name, value) : undefined
      case 'text':
        return ofTreatment(shape.treatment, name, value)
    }
  }
  const ofTreatment = (treatment: Treatment, name: string, value: unknown): unknown => {
    if (treatment === 'withheld') return undefined
    if (value === null) return null
    if (Array.isArray(value)) return listOf(value, (item) => ofTreatment(treatment, name, item))
    if (treatment === 'open') return isObject(value) ? openFields(value) : undefined
    if (typeof value === 'number') return treatment === 'id' ? noted(name, value) : undefined
    if (typeof value !== 'string') return undefined
    const text = ofText(treatment, value)
    return text === undefined ? undefined : noted(name, text)
  }
  const ofText = (treatment: Exclude<Treatment, 'open' | 'withheld'>, text: string): unknown => {
    if (treatment === 'text') return { untrusted_text: cleanText(text) }
    if (treatment === 'word') return isWord(text) ? text : undefined
    if (treatment === 'id') return isPlainId(text) ? text : pseudonyms.of('job', text)
    if ('name' in treatment) return givenName(pseudonyms, treatment.name, text)
    return pseudonyms.of(treatment.pseudonym, text)
  }
  /** An object whose fields no schema names: each is looked up by its name. */
  const openFields = (value: object): unknown =>
    fieldsOf(
      value,
      (field): Shape | undefined => {
        const treatment = treatmentOfFact(field, added)
        if (treatment) return { is: 'text', treatment }
        return isOwnName(field) ? { is: 'given', words: [] } : undefined
      },
      true,
    )
  const fieldsOf = (value: object, shapeOf: (field: string) => Shape | undefined, timed = false): unknown => {
    const given = Object.entries(value).flatMap(([field, part]): [string, unknown][] => {
      const shape = shapeOf(field)
      if (!shape) return []
      const isTime = timed && typeof part === 'string' && isInstant(part) && shape.is === 'given'
      const one = isTime ? noted(field, part) : ofShape(shape, field, part)
      return one === undefined ? [] : [[field, one]]
    })
    return Object.fromEntries(given)
  }
  const numbersOf = (value: object, name: string): unknown => {
    const counts = Object.entries(value).filter(([key, count]) => isWord(key) && typeof count === 'number')
    return noted(name, Object.fromEntries(counts))
  }
  const noted = (name: string, value: unknown): unknown => {
    if (name !== '') seen.add(name)
    return value
  }
  return ofShape
}

/** A name that the server gives to a field: strangers may have used any text as the name of one. */
const isOwnName = (field: string): boolean => /^[a-z][a-z0-9_]{0,40}$/.test(field)

const listOf = (items: readonly unknown[], give: (item: unknown) => unknown): unknown[] =>
  items.map(give).filter((item) => item !== undefined)

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isScalar = (value: unknown): boolean => typeof value === 'number' || typeof value === 'boolean'
