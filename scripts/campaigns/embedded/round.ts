import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Launch, launchServer, type ServerProcess } from '../../launch/server.ts'
import type { Random } from '../stress/random.ts'
import { createFaultSwitch, type FaultSwitch, type FaultTools } from './faults/fault-files.ts'
import { settings } from './limits.ts'

/** How a server is started: `folder` is its data folder. */
export type Starting = Partial<Pick<Launch, 'folder' | 'env' | 'preload' | 'uid'>>

/** One try of a case, with files of its own. */
export interface Round extends Pick<FaultSwitch, 'inject' | 'heal'> {
  /** From 0 on: the ways of a case take turns. */
  at: number
  random: Random
  /** The folder of the round. */
  home: string
  /** The data folder in it, which has a database that is ready. */
  folder: string
  /** Adds a lie: what came is not what is promised. */
  lie: (sentence: string) => void
  /** Starts a server in whose database thread faults can happen. */
  start: (options?: Starting) => ServerProcess
  /** Kills the servers of the round that still run. */
  end: () => Promise<void>
}

interface RoundOptions extends Pick<Round, 'at' | 'random' | 'home' | 'lie'> {
  /** A data folder to copy. */
  template: string
  tools: FaultTools
}

export async function openRound({ at, random, home, lie, template, tools }: RoundOptions): Promise<Round> {
  const folder = join(home, 'data')
  const { env: faults, inject, heal } = createFaultSwitch(tools, home)
  await cp(template, folder, { recursive: true })
  const servers: ServerProcess[] = []
  const start: Round['start'] = ({ folder: data = folder, env, ...options } = {}) => {
    const all = { JOBS_DATA_DIR: data, ...settings, ...faults, ...env }
    const server = launchServer({ folder: home, preload: tools.preload, ...options, env: all })
    servers.push(server)
    return server
  }
  return {
    ...{ at, random, home, folder, lie, start, inject, heal },
    end: async () => {
      for (const server of servers) server.signal('SIGKILL')
      await Promise.all(servers.map(({ ended }) => ended))
    },
  }
}
