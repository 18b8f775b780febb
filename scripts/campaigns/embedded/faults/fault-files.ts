import { spawnSync } from 'node:child_process'
import { chmod, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type * as z from 'zod'
import type { Fault } from './fault.ts'

/** A script for `node --import`, and a pipe from which nothing can be read. */
export interface FaultTools {
  preload: string
  pipe: string
}

/** Makes the script that lets faults happen in the database thread of a built server. */
export async function makeFaultTools(folder: string): Promise<FaultTools> {
  const preload = join(folder, 'inject.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('inject.ts', import.meta.url))],
    outfile: preload,
    ...{ bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' },
  })
  const pipe = join(folder, 'pipe')
  spawnSync('mkfifo', [pipe])
  await chmod(pipe, 0o666) // for a server of another user
  return { preload, pipe }
}

/** The faults of one server. */
export interface FaultSwitch {
  /** Variables of the server. */
  env: Record<string, string>
  /** Lets a fault happen in the database thread, until `heal` is called or, with `once`, once. */
  inject: (fault: z.input<typeof Fault>) => Promise<void>
  heal: () => Promise<void>
}

/** @param folder a folder in which the server may write */
export function createFaultSwitch({ pipe }: FaultTools, folder: string): FaultSwitch {
  const file = join(folder, 'fault')
  return {
    env: { FAULT_FILE: file, FAULT_PIPE: pipe, FAULT_SPARE: join(folder, 'spare') },
    inject: async (fault) => {
      await writeFile(`${file}.new`, JSON.stringify(fault))
      await rename(`${file}.new`, file)
    },
    heal: () => rm(file, { force: true }),
  }
}
