import fc from 'fast-check'

/** JSON as the pieces of its text, so that every byte of it is known. */
export type Tree = { text: string } | { open: string; close: string; empty: string; parts: Part[] }

/** A member of an object, or an item of a list, with the blanks around its words. */
interface Part {
  before: string
  /** Of a member: the name as it is written, what it means, and what stands between it and its value. */
  key?: { text: string; name: string; colon: string }
  value: Tree
  after: string
}

export interface Change {
  path: string[]
  /** The text of a value; null takes the value away. */
  value: string | null
}

const oddNames = [
  'a',
  'b',
  'url',
  '0',
  '1',
  '-1',
  '01',
  'a.b',
  '',
  ' ',
  '"',
  '\\',
  '🎈',
  'ä',
  '__proto__',
  'constructor',
]
const isStorable = (text: string): boolean => !/[\0\p{Cs}]/u.test(text)
const words = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength }).filter(isStorable)
export const name = fc.oneof(fc.constantFrom(...oddNames), words(5))
const blank = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n  ')

/** A string as some program writes it: as short as possible, or with every character escaped. */
const written = (text: string, escapes: boolean): string =>
  escapes
    ? `"${[...text].map((sign) => [...Array(sign.length).keys()].map((nth) => `\\u${sign.charCodeAt(nth).toString(16).padStart(4, '0')}`).join('')).join('')}"`
    : JSON.stringify(text)

const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.bigInt({ min: 0n, max: 10n ** 40n }),
    fc.option(fc.stringMatching(/^\d{1,30}$/)),
    fc.constantFrom('', '', 'e5', 'E-07', 'e+200'),
  )
  .map(([sign, whole, fraction, power]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${power}`)

/** Values that the type json keeps and jsonb does not. */
const unkept = fc.constantFrom('"\\u0000"', '"\\ud83d"', '"\\udc00\\ud800"', '1e999999', `1${'0'.repeat(1200)}`)

interface Wanted {
  /** Also blanks, escapes, names that stand twice, and values that jsonb does not keep. */
  asText: boolean
}

/** Random documents: objects with random trees. */
export function documents({ asText }: Wanted): { tree: fc.Arbitrary<Tree>; document: fc.Arbitrary<Tree> } {
  const gap = asText ? blank : fc.constant('')
  const scalar = fc.oneof(
    { weight: 8, arbitrary: number },
    { weight: 4, arbitrary: fc.constantFrom('true', 'false', 'null') },
    { weight: 8, arbitrary: fc.tuple(words(12), fc.boolean()).map(([text, odd]) => written(text, asText && odd)) },
    ...(asText ? [{ weight: 1, arbitrary: unkept }] : []),
  )
  const key = fc
    .tuple(name, fc.boolean(), gap, gap)
    .map(([text, odd, before, colon]) => ({ text: `${written(text, asText && odd)}${before}`, name: text, colon }))
  const { tree } = fc.letrec<{ tree: Tree; object: Tree }>((tie) => {
    const member = fc.record({ before: gap, key, value: tie('tree'), after: gap })
    const members = asText
      ? fc.array(member, { maxLength: 5 })
      : fc.uniqueArray(member, { maxLength: 5, selector: (one) => one.key.name })
    const item = fc.record({ before: gap, value: tie('tree'), after: gap })
    return {
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        scalar.map((text) => ({ text })),
        fc.record({
          open: fc.constant('['),
          close: fc.constant(']'),
          empty: gap,
          parts: fc.array(item, { maxLength: 4 }),
        }),
        tie('object'),
      ),
      object: fc.record({ open: fc.constant('{'), close: fc.constant('}'), empty: gap, parts: members }),
    }
  })
  const member = fc.record({ before: gap, key, value: tree, after: gap })
  const members = asText
    ? fc.array(member, { maxLength: 6 })
    : fc.uniqueArray(member, { maxLength: 6, selector: (one) => one.key.name })
  return {
    tree,
    document: fc.record({ open: fc.constant('{'), close: fc.constant('}'), empty: gap, parts: members }),
  }
}

export const textOf = (tree: Tree): string => {
  if ('text' in tree) return tree.text
  const parts = tree.parts.map(
    ({ before, key, value, after }) => `${before}${key ? `${key.text}:${key.colon}` : ''}${textOf(value)}${after}`,
  )
  return `${tree.open}${parts.length === 0 ? tree.empty : parts.join(',')}${tree.close}`
}

/** Whether jsonb keeps a document. */
export const isKept = (tree: Tree): boolean =>
  'text' in tree
    ? !/\\u0000|\\ud83d"|\\udc00\\ud800|e999999|0{1001}/.test(tree.text)
    : tree.parts.every(({ value }) => isKept(value))

/** What a change makes of a document, without a database; undefined where it must be refused. */
export function changed(tree: Tree, [first = '', ...rest]: readonly string[], value: string | null): Tree | undefined {
  if ('text' in tree) return value === null ? tree : undefined
  const isList = tree.open === '['
  const isIndex = /^(?:0|[1-9]\d*)$/.test(first)
  const found = isList ? [Number(first)] : tree.parts.flatMap(({ key }, nth) => (key?.name === first ? [nth] : []))
  if (found.length > 1) return undefined
  const at = found[0] ?? -1
  const part = isList && !isIndex ? undefined : tree.parts[at]
  if (isList && !part) return value === null && isIndex ? tree : undefined
  if (part && rest.length === 0 && value === null) return isList ? undefined : without(tree, at)
  if (part) {
    const next = rest.length === 0 ? { text: value ?? '' } : changed(part.value, rest, value)
    return next && { ...tree, parts: tree.parts.map((one, nth) => (nth === at ? { ...one, value: next } : one)) }
  }
  if (value === null) return tree
  const made = rest.reduceRight<Tree>(
    (inner, step) => ({ open: '{', close: '}', empty: '', parts: [{ ...memberOf(step, inner), after: '' }] }),
    { text: value },
  )
  const last = tree.parts.at(-1)
  const added = memberOf(first, made)
  if (!last) return { ...tree, parts: [{ ...added, after: tree.empty }] }
  return { ...tree, parts: [...tree.parts.slice(0, -1), { ...last, after: '' }, { ...added, after: last.after }] }
}

const memberOf = (name: string, value: Tree) => ({
  before: '',
  key: { text: JSON.stringify(name), name, colon: '' },
  value,
})

/** An object without a member: the comma after it goes, or for the last one the comma before it. */
function without(tree: Exclude<Tree, { text: string }>, at: number): Tree {
  const parts = tree.parts.filter((_, nth) => nth !== at)
  const gone = tree.parts[at]
  const [before, after] = [gone?.before ?? '', gone?.after ?? '']
  if (parts.length === 0) return { ...tree, parts, empty: before + after }
  return {
    ...tree,
    parts: parts.map((one, nth) => {
      if (nth === at) return { ...one, before }
      return at === parts.length && nth === at - 1 ? { ...one, after: one.after + after } : one
    }),
  }
}
