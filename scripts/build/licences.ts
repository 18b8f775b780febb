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

/** How the terms of the licences begin that many packages have; what stands before is the notice of a package. */
const firstOfTerms = /^[ \t]*(?:Permission is hereby granted|Apache License)/m

/** The names, the notices and the licence texts of packages, since most licences require a copy of their text: each text once, below all its notices. */
export async function licencesOf(packages: readonly string[]): Promise<string> {
  const groups = new Map<string, { notices: string[]; terms: string }>()
  for (const { notice, terms } of await Promise.all(packages.map(licenceOf))) {
    const words = terms.replace(/\s+/g, ' ').toLowerCase()
    const group = groups.get(words) ?? { notices: [], terms }
    group.notices.push(notice)
    groups.set(words, group)
  }
  return [...groups.values()].map(({ notices, terms }) => [...notices, terms].join('\n\n')).join('\n\n\n')
}

async function licenceOf(folder: string): Promise<{ notice: string; terms: string }> {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
  const text = file ? (await readFile(join(folder, file), 'utf8')).trim() : 'see its package.json'
  const start = text.search(firstOfTerms)
  const notice = start < 0 ? text : text.slice(0, start).trim()
  return { notice: `${folder.replace('node_modules/', '')}\n\n${notice}`, terms: start < 0 ? '' : text.slice(start) }
}
