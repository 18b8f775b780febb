import { readFile } from 'node:fs/promises'
import { commands } from '../../cli/commands/all.ts'

/** package.json with the manual pages that the build writes: npm installs the pages that `man` names, and takes no folder. */
export async function manifestWithManPages(): Promise<string> {
  const manifest: object = JSON.parse(await readFile('package.json', 'utf8'))
  const names = ['jobsctl', ...commands.map(({ name }) => `jobsctl-${name}`)].sort()
  return `${JSON.stringify({ ...manifest, man: names.map((name) => `./dist/man/${name}.1`) }, undefined, 2)}\n`
}
