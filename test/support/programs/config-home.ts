import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newFolder } from '../database/database.ts'

/** A config file, and the variable that makes jobsctl find it. */
export interface ConfigHome {
  path: string
  env: { XDG_CONFIG_HOME: string }
}

/** Writes a config file of its own; text is written as it is, and nothing at all when there is none. */
export async function configHome(config?: object | string): Promise<ConfigHome> {
  const home = await newFolder('config')
  const path = join(home, 'jobsctl', 'config.json')
  if (config !== undefined) {
    await mkdir(join(home, 'jobsctl'))
    await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o644 })
  }
  return { path, env: { XDG_CONFIG_HOME: home } }
}

/** A file with a secret, by default for its owner alone. */
export async function secretFile(secret: string, mode = 0o600): Promise<string> {
  const path = join(await newFolder('secret'), 'key')
  await writeFile(path, `${secret}\n`, { mode })
  return path
}
