import type { Pool, Sql } from '../sql.ts'
import { type Names, qualified } from './qualify.ts'

/** How statements name things; empty until the database has been asked (`findNames`). */
export interface SchemaNames {
  known?: Names
}

/**
 * A pool, transaction or session whose statements name our tables with their schema, and functions with `pg_catalog`.
 * Each text in the source is rewritten once.
 * @param names is read at each statement; while it is empty, statements go out as they are written
 */
export function withSchemaNames<Target extends Sql>(sql: Target, names: SchemaNames): Target {
  return wrap(sql, { names, rewritten: new WeakMap(), long: new Map() })
}

/** What is rewritten for names that stay, for all clients with them. */
const rewrittenFor = new WeakMap<Names, Rewriting>()

/**
 * A client on the same connections whose statements name things as `known` has it. A fragment of it may be a part of a statement of another
 * client. Such clients are cheap: each text is rewritten once for the same names.
 */
export function withNames<Target extends Sql>(sql: Target, known: Names): Target {
  const rewriting = rewrittenFor.get(known) ?? { names: { known }, rewritten: new WeakMap(), long: new Map() }
  rewrittenFor.set(known, rewriting)
  const held: { client?: Target } = Reflect.get(sql, bare) ?? {}
  return wrap(held.client ?? sql, rewriting)
}

interface Rewriting {
  names: SchemaNames
  rewritten: WeakMap<object, TemplateStringsArray>
  /** Long texts that are no part of the source. */
  long: Map<string, string>
}

/** What of a client hands out another client, as the last parameter of a callback or as a promise. */
const handsOver = new Set<PropertyKey>(['begin', 'savepoint'])

/** The names of each client that is wrapped. */
const namesOfClient = new WeakMap<object, SchemaNames>()

/** A client answers it with what it wraps. */
const bare = Symbol('bare client')

/** How the statements of a pool, transaction or session name things; undefined where nobody has wrapped it, or asked the database yet. */
export const namesOf = (sql: Sql): Names | undefined => namesOfClient.get(sql)?.known

function wrap<Target extends Sql>(sql: Target, rewriting: Rewriting): Target {
  const wrapped = proxyOf(sql, rewriting)
  namesOfClient.set(wrapped, rewriting.names)
  return wrapped
}

function proxyOf<Target extends Sql>(sql: Target, rewriting: Rewriting): Target {
  return new Proxy(sql, {
    apply: (target, self, args: unknown[]) => {
      const [first] = args
      if (isTemplate(first)) args[0] = rewrite(first, rewriting) // the list is made for this call alone
      return Reflect.apply(target, self, args)
    },
    get(target, name, receiver) {
      if (name === bare) return { client: target }
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      if (name === 'unsafe')
        return (text: string, ...rest: unknown[]) => Reflect.apply(value, target, [textOf(text, rewriting), ...rest])
      if (name === 'reserve') return async () => wrap(await Reflect.apply(value, target, []), rewriting)
      if (handsOver.has(name))
        return (...args: unknown[]) =>
          Reflect.apply(
            value,
            target,
            args.map((arg) => handOver(arg, rewriting)),
          )
      return value
    },
  })
}

const handOver = (arg: unknown, rewriting: Rewriting): unknown =>
  typeof arg === 'function' ? (sql: Pool) => Reflect.apply(arg, undefined, [wrap(sql, rewriting)]) : arg

const isTemplate = (value: unknown): value is TemplateStringsArray => Array.isArray(value) && 'raw' in value

/** Texts from this length on are jobs of another engine as SQL, the same in each statement, and take half a millisecond to rewrite. */
const longText = 1000
const mostLongTexts = 100

function textOf(text: string, { names: { known }, long }: Rewriting): string {
  if (known === undefined) return text
  if (text.length < longText) return qualified(text, known)
  const kept = long.get(text)
  if (kept !== undefined) return kept
  const made = qualified(text, known)
  if (long.size >= mostLongTexts) long.clear()
  long.set(text, made)
  return made
}

function rewrite(strings: TemplateStringsArray, rewriting: Rewriting): TemplateStringsArray {
  if (rewriting.names.known === undefined) return strings
  const known = rewriting.rewritten.get(strings)
  if (known) return known
  const texts = strings.map((text) => textOf(text, rewriting))
  const made = Object.assign(texts, { raw: texts })
  rewriting.rewritten.set(strings, made)
  return made
}
