import { hasAtMost, longest, longestOfEngines } from '../../shared/text/longest.ts'

/** One field of a filter: its name on the wire, which the address has too. */
export interface FilterField {
  name: string
  label: string
  /** Its word in the filter box, where it is not its name with hyphens, and other words for it. */
  word?: string
  also?: readonly string[]
  /** The words that it takes. */
  words?: readonly string[]
  /** True for several values that are separated by commas. */
  isList?: boolean
  /** True for a field with parts, of which each has its own name: `payload.user.id`. */
  hasParts?: boolean
}

/** A filter as the address has it. */
export type Filter = Readonly<Record<string, string | undefined>>

/** The word of a field in the filter box: that of its flag, without its hyphens. */
const wordOf = ({ name, word }: FilterField): string => word ?? name.replaceAll('_', '-')

/** The field that a word of the filter box names: by its word, its name on the wire, or another word for it. */
const fieldOf = (fields: readonly FilterField[], word: string): FilterField | undefined =>
  fields.find((field) => wordOf(field) === word || field.name === word || field.also?.includes(word)) ??
  fields.find(({ name, hasParts }) => hasParts && word.startsWith(`${name}.`) && !word.endsWith('.'))

/** What the text of a filter box says. */
interface Read {
  filter: Filter
  /** What is no filter, each as a sentence. */
  wrong: readonly string[]
}

const token = /([^\s:="]+)[:=]("(?:[^"\\]|\\.)*"|\S+)|"((?:[^"\\]|\\.)*)"|(\S+)/g

const unquoted = (text: string): string =>
  text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text

/**
 * Reads `status:failed error:"no route" payload.customer=7`. A text alone is what `alone` makes of it. Nothing that was typed is left out: several
 * values of a list are one list, and words alone are one text.
 * @param alone the field and value of a text without a name; undefined where it means nothing
 */
export function readFilter(
  text: string,
  fields: readonly FilterField[],
  alone: (text: string) => Filter | undefined = () => undefined,
): Read {
  const filter: Record<string, string | undefined> = {}
  const wrong: string[] = []
  /** The fields that words without a name have filled. */
  const ofWords = new Set<string>()
  const add = (name: string, value: string, isWord: boolean) => {
    if (value.trim() === '') return wrong.push(`The filter “${name}” has no value.`)
    const before = filter[name]
    const link = fieldOf(fields, name)?.isList ? ',' : isWord && ofWords.has(name) ? ' ' : undefined
    if (isWord) ofWords.add(name)
    if (before !== undefined && link === undefined)
      wrong.push(`The filter “${name}” takes one value, and has two here.`)
    else filter[name] = before === undefined ? value : `${before}${link}${value}`
  }
  for (const [whole, name, value = '', quoted, word] of text.matchAll(token)) {
    const field = name === undefined ? undefined : fieldOf(fields, name)
    if (name !== undefined && field) add(field.hasParts ? name : field.name, unquoted(value), false)
    else if (name !== undefined) wrong.push(`No filter is called “${name}”. Put a text with a colon in quotes.`)
    else {
      const meant = alone(quoted ?? word ?? '')
      if (meant) for (const [of, is = ''] of Object.entries(meant)) add(of, is, true)
      else wrong.push(`“${whole}” has no name, such as ${fields[0] ? wordOf(fields[0]) : 'status'}:${whole}.`)
    }
  }
  return { filter, wrong }
}

/**
 * The texts of a filter that the server refuses as too long, each as a sentence.
 * @param isOwn false where the server works on the jobs of an engine, whose queues and job types may have longer names
 */
export function tooLong(filter: Filter, fields: readonly FilterField[], isOwn: boolean): string[] {
  const ofEngine = isOwn ? {} : { queue: longestOfEngines, job_type: longestOfEngines }
  const limits: Readonly<Record<string, number | undefined>> = { ...longest, ...ofEngine }
  return Object.entries(filter).flatMap(([name, value = '']) => {
    const field = fieldOf(fields, name)
    const most = field && limits[field.name]
    const text = value.trim()
    if (most === undefined || hasAtMost(text, most)) return []
    return [`The filter “${name}” takes at most ${most} characters, and this text has ${[...text].length}.`]
  })
}

/** A way to complete what somebody types: the text that stands in place of the last word, and what is shown beside it. */
export interface Completion {
  text: string
  says: string
}

const mostCompletions = 8

/**
 * The ways to complete the last word of a text: names of fields, or values of the field that it names.
 * @param values the known values of fields that have no fixed words, by their names
 */
export function completionsOf(
  text: string,
  fields: readonly FilterField[],
  values: Readonly<Record<string, readonly string[]>>,
): Completion[] {
  const last = lastWordOf(text)
  const [, name, begun = ''] = /^([^\s:="]+)[:=](.*)$/.exec(last) ?? []
  if (name === undefined) {
    if (last === '') return []
    const typed = last.toLowerCase()
    return fields
      .filter((field) => [wordOf(field), field.name, ...(field.also ?? [])].some((word) => word.startsWith(typed)))
      .map((field) => ({ text: field.hasParts ? `${field.name}.` : `${wordOf(field)}:`, says: field.label }))
      .slice(0, mostCompletions)
  }
  const field = fieldOf(fields, name)
  if (!field) return []
  const comma = begun.lastIndexOf(',') + 1
  const [before, typed] = field.isList ? [begun.slice(0, comma), begun.slice(comma)] : ['', begun]
  const known = field.words ?? values[field.name] ?? []
  return known
    .filter((value) => value !== typed && value.toLowerCase().includes(unquoted(typed).toLowerCase()))
    .slice(0, mostCompletions)
    .map((value) => ({ text: `${name}:${before}${/[\s"]/.test(value) ? JSON.stringify(value) : value} `, says: '' }))
}

/** The word that is being typed: quotes keep spaces within it. */
const lastWordOf = (text: string): string => /(?:[^\s"]|"[^"]*"?)*$/.exec(text)?.[0] ?? ''

/** The text with a completion in place of its last word. */
export const completed = (text: string, { text: by }: Completion): string =>
  `${text.slice(0, text.length - lastWordOf(text).length)}${by}`
