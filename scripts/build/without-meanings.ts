import { readFile } from 'node:fs/promises'
import { parse, print } from '@swc/core'
import type { Plugin } from 'esbuild'
import * as z from 'zod'

interface Keeping {
  /** True to keep `.meta(…)` with a format or a list of words: the server tells times and words of its own from texts by them. */
  formats: boolean
}

/**
 * Leaves out of the programs what `shared/` says for the documents alone: `.describe(…)` and `.meta(…)` of schemas, and the field
 * `meaning` of endpoints. Node would read these texts at each start, and zod makes a schema with a description twice.
 */
export const withoutMeanings = (keeping: Keeping): Plugin => ({
  name: 'without-meanings',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]shared[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: await textWithoutMeanings(await readFile(path, 'utf8'), keeping),
      loader: 'ts',
    }))
  },
})

/** The text of a module of `shared/` without meanings and comments. */
export async function textWithoutMeanings(text: string, keeping: Keeping): Promise<string> {
  const module = await parse(text, { syntax: 'typescript', target: 'es2022' })
  leaveOutMeanings(module, keeping)
  return (await print(module)).code
}

/** Nodes of the parser: a call of one of the two methods, and a property of an object, each with a text or the fields of an object. */
const Literal = z.object({ type: z.enum(['StringLiteral', 'TemplateLiteral', 'ObjectExpression']) })
const Describing = z.object({
  type: z.literal('CallExpression'),
  callee: z.object({
    type: z.literal('MemberExpression'),
    object: z.record(z.string(), z.unknown()),
    property: z.object({ type: z.literal('Identifier'), value: z.enum(['describe', 'meta']) }),
  }),
  arguments: z.tuple([z.object({ expression: Literal })]),
})
const Meaning = z.object({
  type: z.literal('KeyValueProperty'),
  key: z.object({ type: z.literal('Identifier'), value: z.literal('meaning') }),
  value: Literal,
})

const Call = z.object({ arguments: z.tuple([z.object({ expression: z.unknown() })]) })
const Formats = z.object({
  type: z.literal('ObjectExpression'),
  properties: z.array(z.looseObject({ key: z.looseObject({ value: z.unknown() }) })),
})
const hasFormat = (literal: unknown): boolean =>
  Formats.safeParse(literal).data?.properties.some(({ key }) => key.value === 'format' || key.value === 'enum') ?? false

/** Changes a tree of the parser. */
function leaveOutMeanings(node: unknown, keeping: Keeping): void {
  if (typeof node !== 'object' || node === null) return
  if (Array.isArray(node)) {
    const left = node.filter((one) => !Meaning.safeParse(one).success)
    node.splice(0, node.length, ...left)
  }
  const { data: call } = Describing.safeParse(node)
  const isKept = keeping.formats && hasFormat(Call.safeParse(node).data?.arguments[0].expression)
  if (call && !isKept) {
    // The node becomes that of the schema, which may be such a call, too.
    for (const name of Object.keys(node)) Reflect.deleteProperty(node, name)
    Object.assign(node, call.callee.object)
    leaveOutMeanings(node, keeping)
  } else {
    for (const part of Object.values(node)) leaveOutMeanings(part, keeping)
  }
}
