import { open } from 'node:fs/promises'
import { Failure } from '../../shared/errors.ts'

/**
 * The text of a file. A device or a pipe is read no further than the largest file is.
 * @param largest in bytes
 * @throws Failure `usage` with the rest of a sentence about a larger file, and the error of the system
 */
export async function readSmallFile(name: string, largest: number): Promise<string> {
  const file = await open(name)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(largest + 1), 0, largest + 1)
    if (bytesRead > largest) throw new Failure('usage', `is larger than ${largest / 1024} KiB`)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
