import { Failure } from '../../../shared/errors.ts'
import { inexactNumber } from '../../../shared/text/exact-numbers.ts'
import { repeatedKey } from '../../../shared/text/repeated-key.ts'
import type { Context } from '../../context.ts'
import { readStdinFor } from '../../settings/stdin-text.ts'
import { readText } from '../../settings/text-file.ts'

const flag = '--payload'

/**
 * The value of `--payload`: JSON, or `@` and a file with JSON, or `-` for JSON on stdin.
 * @throws Failure `usage` for a file that cannot be read, text that is no JSON, and an object with a key twice; the text is not in the error
 */
export async function readPayload(given: string, context: Context): Promise<unknown> {
  const text = await textOf(given, context)
  const inexact = inexactNumber(text)
  if (inexact !== undefined) {
    throw new Failure('usage', `${flag}: the number ${inexact.slice(0, 40)} cannot be kept exactly`, {
      hint: 'write it as a string',
    })
  }
  const payload = parsed(text)
  const key = repeatedKey(text)
  if (key !== undefined) throw new Failure('usage', `${flag}: has the key ${JSON.stringify(key)} twice`)
  return payload
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('usage', `${flag}: must be JSON, @file, or - for stdin`, {
      hint: `${flag} '{"book":7}'`,
      cause,
    })
  }
}

function textOf(given: string, context: Context): Promise<string> | string {
  const { io, settings } = context
  if (given.startsWith('@')) {
    return readText(given.slice(1), { from: flag, signal: io.signal, timeoutMs: settings.timeoutMs })
  }
  return given === '-' ? readStdinFor(flag, context) : given
}
