import type { Context } from '../../context.ts'
import { noKey } from '../../settings/missing-key.ts'
import { proxyName } from '../../settings/proxy.ts'
import { type Check, type Outcome, ok } from './outcome.ts'

/** Checks that send nothing: the config file, the address of the server, the key. */
export const localChecks: readonly Check[] = [
  { name: 'config', look: config },
  { name: 'target', look: target },
  { name: 'key', look: key },
]

async function config({ io }: Context): Promise<Outcome> {
  const { configPath, readConfig } = await import('../../settings/config-file.ts')
  const path = configPath(io)
  const { profiles } = await readConfig(path)
  const count = Object.keys(profiles).length
  const place = path ?? 'no config file, since no home folder is known'
  return ok(count === 0 ? `${place}: no profiles` : `${place}: ${count} profiles`)
}

async function target(context: Context): Promise<Outcome> {
  const { url, name, socketPath, from, proxy } = await context.target()
  const way = proxy ? `, through the proxy ${proxyName(proxy)}` : ''
  return ok(`${socketPath === undefined ? url.href : name} (${from})${way}`)
}

async function key(context: Context): Promise<Outcome> {
  const target = await context.target()
  if (!target.credential) throw noKey(target)
  return ok(`${target.credential.header} (${target.credentialFrom})`)
}
