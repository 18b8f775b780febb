import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** The licences of the packages that the bundles contain, which travel with them. */
export async function licencesOf(bundles: Metafile[]): Promise<string> {
  const inputs = bundles.flatMap(({ inputs }) => Object.keys(inputs))
  const folders = inputs.flatMap((input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  const packages = [...new Set(folders)].sort()
  if (packages.length === 0)
    throw new Error('no bundled package was found, and so no licence: is node_modules elsewhere?')
  return (await Promise.all(packages.map(licenceOf))).join('\n\n')
}

async function licenceOf(folder: string): Promise<string> {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
  const text = file ? await readFile(join(folder, file), 'utf8') : 'see its package.json'
  return `${folder.replace('node_modules/', '')}\n\n${text.trim()}`
}
