import type { DriverPatches } from './patch.ts'

/** After so many different parts a connection forgets the texts of all statements. */
const mostTextParts = 5000

/**
 * The text of a statement has up to thirty parts, and some kilobytes. A connection joins it once: maps lead from part to part, and
 * from the type of each parameter to the next part, to the text. A statement with names or lists of parts is joined at each call.
 */
export const statementTexts: DriverPatches = {
  'connection.js': [
    ['import { stringify, handleValue,', 'import { stringify, handleValue, Builder, Identifier,'],
    ['    , statements = {}\n', '    , statements = {}\n    , texts = new Map()\n    , textParts = 0\n'],
    [
      `    const string = stringify(q, q.strings[0], q.args[0], parameters, types, options)

`,
      `    const { string, signature } = textOf(q, parameters, types)

`,
    ],
    ['q.signature = q.prepare && types + string\n', 'q.signature = q.prepare && (signature || types + string)\n'],
    [
      '  function build(q) {\n',
      `  function textOf(q, parameters, types) {
    if (textParts > ${mostTextParts}) {
      texts = new Map()
      textParts = 0
    }
    const end = q.tagged && endOf(q, texts, parameters, types)
    if (!end) {
      parameters.length = types.length = 0
      return { string: stringify(q, q.strings[0], q.args[0], parameters, types, options) }
    }
    if (end.string === undefined) {
      end.string = stringify(q, q.strings[0], q.args[0], [], [], options)
      end.signature = types + end.string
    }
    return end
  }

  function endOf(q, from, parameters, types) {
    let at = nextOf(from, q.tagged ? q.strings : q.strings[0])
    if (!q.tagged) return at
    for (const x of q.args) {
      if (x instanceof Builder || x instanceof Identifier || x && x[0] instanceof Query) return undefined
      at = x instanceof Query
        ? endOf(x, at, parameters, types)
        : (handleValue(x, parameters, types, options), nextOf(at, types[types.length - 1]))
      if (!at) return undefined
    }
    return at
  }

  function nextOf(from, part) {
    const known = from.get(part)
    if (known) return known
    const made = new Map()
    from.set(part, made)
    textParts++
    return made
  }

  function build(q) {
`,
    ],
  ],
}
