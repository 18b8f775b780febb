import { Failure } from '../../../shared/errors.ts'
import { isOfLongName, isPseudonym, type Pseudonyms } from './pseudonyms.ts'
import { kindOfField, type PseudonymKind } from './treatments.ts'

/** Fields of a request that hold the fields of another one, or of several. */
const nested: ReadonlySet<string> = new Set(['request', 'rules'])

/** Filters by a part of a name, with which a name could be guessed letter by letter. */
const guessing: ReadonlySet<string> = new Set(['worker_prefix'])

interface Named {
  fields: unknown
  /** The names that were put in: no error tells them. */
  names: string[]
}

/**
 * The fields of an agent's request with the names in place of their pseudonyms.
 * @throws Failure `invalid_request` for a text that looks like a pseudonym of the field but is not one; `forbidden` for a part of a name
 */
export function withNames(pseudonyms: Pseudonyms, sent: unknown): Named {
  const names: string[] = []
  const named = (field: string, kind: PseudonymKind, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => named(field, kind, item))
    if (typeof value !== 'string') return value
    // A query has the items of a list in one text. A pseudonym has no comma.
    if (value.includes(',')) return String(value.split(',').map((item) => named(field, kind, item)))
    const name = pseudonyms.read(kind, value)
    if (name === undefined) return refuseLookalike(field, kind, value)
    names.push(name)
    return name
  }
  const fieldsOf = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(fieldsOf)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([field, part]): [string, unknown] => {
        const kind = kindOfField(field)
        if (guessing.has(field)) throw isGuessing(field)
        if (kind) return [field, named(field, kind, part)]
        return [field, nested.has(field) ? fieldsOf(part) : part]
      }),
    )
  }
  return { fields: fieldsOf(sent), names }
}

/** A pseudonym that nobody can read would find nothing, and look like an answer. */
function refuseLookalike(field: string, kind: PseudonymKind, value: string): string {
  if (!isPseudonym(kind, value)) return value
  const [message, hint] = isOfLongName(kind, value)
    ? ['is the pseudonym of a name over 96 bytes, which cannot be looked for', 'leave this field out, and use others']
    : ['is a pseudonym of another day', 'read the jobs again, and use the pseudonyms of that answer']
  throw new Failure('invalid_request', `${field} ${message}; nothing was changed`, {
    hint,
    faults: [{ path: field, message }],
  })
}

const isGuessing = (field: string): Failure =>
  new Failure('forbidden', `an agent does not look for a part of a name (${field}); nothing was changed`, {
    hint: 'use a whole name, or its pseudonym, such as worker_id',
  })
