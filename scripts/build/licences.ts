import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/**
 * The folders of all packages in the bundles, in alphabetical order: `node_modules/zod`.
 * @throws Error when the bundles contain no package
 */
export function packagesIn(bundles: Metafile[]): string[] {
  const inputs = bundles.flatMap(({ inputs }) => Object.keys(inputs))
  const folders = inputs.flatMap((input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  const packages = [...new Set(folders)].sort()
  if (packages.length === 0)
    throw new Error('the bundles contain no package from ./node_modules, so what the package is made of is unknown')
  return packages
}

/** The names and licence texts of packages, since most licences require a copy of their text. */
export async function licencesOf(packages: readonly string[]): Promise<string> {
  return (await Promise.all(packages.map(licenceOf))).join('\n\n')
}

async function licenceOf(folder: string): Promise<string> {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
  const text = file ? await readFile(join(folder, file), 'utf8') : 'see its package.json'
  return `${folder.replace('node_modules/', '')}\n\n${text.trim()}`
}
