/**
 * The shape of an answer of the other server: the names of the fields in their order, each with the word for its type. A list
 * has the shape of each of its items.
 */
export type Shape = Word | readonly [Shape] | { readonly [name: string]: Shape }

/** `?` allows null, and `time` is ISO 8601 with a `Z`. */
type Type = 'int' | 'number' | 'string' | 'bool' | 'time' | 'json' | 'object'
type Word = Type | `${Type}?`

const isTime = (value: unknown): boolean =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fits: Record<Type, (value: unknown) => boolean> = {
  int: Number.isInteger,
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  time: isTime,
  json: () => true,
  object: isObject,
}

const isType = (word: string): word is Type => Object.hasOwn(fits, word)

/**
 * What in an answer is not as the shape says, as sentences; none when it fits.
 * @param more true where an object may have further fields
 */
export function misfits(value: unknown, shape: Shape, more: boolean, at = 'the answer'): string[] {
  if (typeof shape === 'string') return misfitsOfWord(value, shape, at)
  if (isList(shape)) {
    if (!Array.isArray(value)) return [`${at} is no list`]
    if (value.length === 0) return [`${at} is empty, so that its shape cannot be seen`]
    return value.flatMap((item, n) => misfits(item, shape[0], more, `${at}[${n}]`))
  }
  if (!isObject(value)) return [`${at} is no object`]
  const names = Object.keys(shape)
  const found = Object.keys(value).filter((name) => !more || names.includes(name))
  if (found.join() !== names.join()) return [`${at} has the fields ${found.join()}, not ${names.join()}`]
  const fields = new Map(Object.entries(value))
  return Object.entries(shape).flatMap(([name, part]) => misfits(fields.get(name), part, more, `${at}.${name}`))
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape)

function misfitsOfWord(value: unknown, word: string, at: string): string[] {
  const type = word.replace('?', '')
  if (!isType(type)) throw new Error(`there is no type ${type}`)
  if (word.endsWith('?') && value === null) return []
  return fits[type](value) ? [] : [`${at} is ${JSON.stringify(value)}, not ${word}`]
}
