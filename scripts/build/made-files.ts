import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openApiDocument } from '../docs/openapi/document.ts'
import { wireCallsPage, wireTypesPage } from '../docs/sdk/pages.ts'

/** Sources that are made from the schemas of `shared/` and are not in git, each with its text. */
const made: Record<string, () => string | Promise<string>> = {
  'server/http/openapi.json': openApiDocument,
  'sdk/wire/calls.ts': wireCallsPage,
  'sdk/wire/types.ts': wireTypesPage,
}

/**
 * Writes the made sources whose text has changed. The build, the checks and the tests call it before anything reads one of them; several
 * may do so at the same time.
 */
export async function writeMadeFiles(): Promise<void> {
  for (const [path, textOf] of Object.entries(made)) {
    const text = await textOf()
    if ((await readFile(path, 'utf8').catch(() => '')) === text) continue
    await mkdir(dirname(path), { recursive: true })
    // Renamed, so that no reader meets half of the text.
    const draft = `${path}.${process.pid}`
    await writeFile(draft, text)
    await rename(draft, path)
  }
}
