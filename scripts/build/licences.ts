import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/**
 * Returns the names and licence texts of all packages in the bundles, since most licences require a copy of their text.
 * @throws Error when the bundles contain no package
 */
export async function licencesOf(bundles: Metafile[]): Promise<string> {
  const inputs = bundles.flatMap(({ inputs }) => Object.keys(inputs))
  const folders = inputs.flatMap((input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  const packages = [...new Set(folders)].sort()
  if (packages.length === 0)
    throw new Error('the bundles contain no package from ./node_modules, so their licences are unknown')
  return (await Promise.all(packages.map(licenceOf))).join('\n\n')
}

async function licenceOf(folder: string): Promise<string> {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
  const text = file ? await readFile(join(folder, file), 'utf8') : 'see its package.json'
  return `${folder.replace('node_modules/', '')}\n\n${text.trim()}`
}
