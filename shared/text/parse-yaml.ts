import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml'
import { escaped } from './escape.ts'

/** Where something stands in the file; both count from 1. */
interface Position {
  line: number
  column: number
}

/** A fault of the file as YAML. */
interface YamlFault extends Position {
  message: string
}

/** A file that was read. */
interface ParsedYaml {
  /** Maps are of the type Map, whose keys are texts. */
  value: unknown
  faults: YamlFault[]
  /** Where a value stands, or its key; for a value that is missing, where the map stands in which it is missing. */
  positionOf: (path: readonly (string | number)[], part: 'key' | 'value') => Position
}

const plainNumber = /^-?(?:0|[1-9]\d*)$/

/**
 * Reads a file of YAML 1.2 without what makes a value mean something else than it looks like. It refuses aliases, anchors, tags, other
 * versions, keys that stand twice, and numbers that are not written in plain digits. This file knows no other of the programs, which load
 * it only where they read such a file.
 * @param what the file is, in faults: `a policy`
 */
export function parseYaml(text: string, what: string): ParsedYaml {
  const lines = new LineCounter()
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  try {
    const doc = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: true,
      stringKeys: true,
      strict: true,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: lines,
    })
    const errors = [...doc.errors, ...doc.warnings].map(({ code, message, pos }) => ({
      message: code === 'MULTIPLE_DOCS' ? `begins a second document, and ${what} is one` : message,
      ...positionAt(pos[0]),
    }))
    if (errors.some(({ message }) => message.includes('call stack'))) return tooDeep
    const faults = [...trapsIn(doc, { positionAt, what }), ...errors]
    const value: unknown = faults.length > 0 ? undefined : doc.toJS({ mapAsMap: true, maxAliasCount: 0 })
    return { value, faults, positionOf: (path, part) => positionAt(offsetOf(doc, path, part)) }
  } catch (error) {
    if (error instanceof RangeError) return tooDeep
    throw error
  }
}

const start: Position = { line: 1, column: 1 }
const tooDeep: ParsedYaml = {
  value: undefined,
  faults: [{ ...start, message: 'is nested too deeply' }],
  positionOf: () => start,
}

interface Place {
  positionAt: (offset: number) => Position
  what: string
}

function trapsIn(doc: Document.Parsed, { positionAt, what }: Place): YamlFault[] {
  const faults: YamlFault[] = []
  if (doc.directives.yaml.explicit && doc.directives.yaml.version !== '1.2')
    faults.push({ ...start, message: 'is YAML of another version than 1.2: leave the line %YAML out' })
  visit(doc, {
    Node(_, node) {
      const message = trapOf(node, what)
      if (message !== undefined) faults.push({ message, ...positionAt(node.range?.[0] ?? 0) })
    },
  })
  return faults
}

function trapOf(node: unknown, what: string): string | undefined {
  if (isAlias(node)) return `is an alias, which ${what} does not have: put text that begins with * in quotes`
  if (!isNode(node)) return undefined
  if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined)
    return `has an anchor, which ${what} does not have: put text that begins with & in quotes`
  if (node.tag !== undefined) return `has a tag, which ${what} does not have: put text that begins with ! in quotes`
  if (isScalar(node) && typeof node.value === 'number' && !plainNumber.test(node.source ?? ''))
    return 'must be written in plain digits, such as 15, or in quotes where it is a text'
  return undefined
}

function offsetOf(doc: Document.Parsed, path: readonly (string | number)[], part: 'key' | 'value'): number {
  let node: unknown = doc.contents
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
  for (const [at, step] of path.entries()) {
    if (!isCollection(node)) return offset
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === step) : undefined
    const child = isPair(pair) ? pair.value : node.get(step, true)
    const isKey =
      isPair(pair) && (part === 'key' || !isNode(child) || child.range === undefined) && at === path.length - 1
    const found = isKey ? pair.key : child
    if (!isNode(found) || !found.range) return offset
    offset = found.range[0]
    node = child
  }
  return offset
}

const mostTold = 20

/**
 * The faults of a file as lines with their places, in the order of the file. At most 20 are told, and how many further ones there are.
 * @param path the name of the file
 */
export function faultLines(path: string, faults: readonly { line: number; column: number; message: string }[]): string {
  const lines = faults
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${escaped(path)}:${line}:${column}: ${escaped(message)}`)
  const more = lines.length > mostTold ? [`${lines.length - mostTold} further faults`] : []
  return [...new Set(lines.slice(0, mostTold)), ...more].join('\n  ')
}

/** A value of YAML with objects in place of maps: their keys are texts. */
export function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf)
  if (!(value instanceof Map)) return value
  return Object.fromEntries([...value].map(([key, one]) => [String(key), plainOf(one)]))
}
