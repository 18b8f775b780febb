import { Failure } from '../../../shared/errors.ts'
import type { Rule } from '../../../shared/policy/rule.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { readStdinFor } from '../../settings/stdin-text.ts'
import { readText } from '../../settings/text-file.ts'
import { rulesOf, sentenceOf } from './file-rules.ts'

const largestFile = 65_536
const mostTold = 20

/**
 * Reads the rules of a file; `-` is stdin.
 * @throws Failure `usage` with every fault and its line and column
 */
export async function readPolicyFile(context: Context, path: string): Promise<Rule[]> {
  const { io, settings } = context
  const waiting = { signal: io.signal, timeoutMs: settings.timeoutMs }
  const text = path === '-' ? await readStdinFor('the file -', context) : await readText(path, waiting)
  const refused = (faults: readonly string[]) =>
    new Failure('usage', faults.map((fault) => `${escaped(path)}${fault}`).join('\n  '))
  if (Buffer.byteLength(text) > largestFile) throw refused([` is larger than ${largestFile / 1024} KiB`])
  const { parseYaml } = await import('../../../shared/text/parse-yaml.ts')
  const yaml = parseYaml(text, 'a policy')
  const read = yaml.faults.length > 0 ? { faults: [] } : rulesOf(yaml.value)
  const found = read.faults.map(({ key, ...fault }) => ({
    ...yaml.positionOf(fault.path, key ? 'key' : 'value'),
    message: sentenceOf(fault),
  }))
  const faults = [...yaml.faults, ...found].toSorted((a, b) => a.line - b.line || a.column - b.column)
  if (faults.length === 0 && 'rules' in read) return read.rules
  const told = faults.slice(0, mostTold).map(({ line, column, message }) => `:${line}:${column}: ${escaped(message)}`)
  throw refused(faults.length > mostTold ? [...told, `: ${faults.length - mostTold} further faults`] : told)
}
