import { isUtf8 } from 'node:buffer'
import { Failure } from '../../shared/errors.ts'

/**
 * The text of bytes, without the mark of byte order before it.
 * @param source what they were read from, for the error
 * @throws Failure `usage` for bytes that are no UTF-8, such as a file in Latin-1: every such byte would become the character U+FFFD
 */
export function utf8Of(bytes: Buffer, source: string): string {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes)
  const lines = bytes.toString('latin1').split('\n') // no newline stands within a character of UTF-8
  const line = lines.findIndex((text) => !isUtf8(Buffer.from(text, 'latin1'))) + 1
  throw new Failure('usage', `${source} is not UTF-8: line ${line} has other bytes`, {
    hint: 'save it as UTF-8; iconv -f ISO-8859-1 -t UTF-8 makes it of Latin-1',
  })
}
