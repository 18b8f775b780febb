import { fileURLToPath } from 'node:url'
import { readEnv } from '../../../server/env/env.ts'
import type { Running } from '../../../server/start.ts'

const dist = new URL('../../../dist/', import.meta.url)

/** Where a build puts the programs. */
export const programs = {
  server: fileURLToPath(new URL('server/main.js', dist)),
  jobsctl: fileURLToPath(new URL('cli/bin.js', dist)),
}

/** Starts the server of `dist/`, as it is now, in this process on a free port; `log` is given each line of its log. */
export async function startBuilt(
  env: Record<string, string>,
  log: (line: string) => void = () => {},
): Promise<Running> {
  const { start }: typeof import('../../../server/start.ts') = await import(new URL('server/start.js', dist).href)
  const at = (level: string) => (message: string, fields?: object) => log(JSON.stringify({ level, message, ...fields }))
  return start(readEnv({ PORT: '0', ...env }), { info: at('info'), warn: at('warn'), error: at('error') })
}
