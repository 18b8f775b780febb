import type { FoundDatabase, OnceOrder, OnceReached } from '../../shared/once.ts'
import { type Ordered, type Process, type Program, startProcess, unknownAnswer } from './server-process.ts'

interface Starting extends Program {
  order: Omit<OnceOrder, 'key' | 'log'>
  signal: AbortSignal
  timeoutMs: number
}

/** A server that this process has started for itself. */
export interface OwnServer {
  reached: OnceReached
  key: string
  /** Undefined while it runs. */
  ended: () => string | undefined
  /** Lets it end: running calls stop after their batch. Waits for a moment, and it ends without us, too. */
  end: () => Promise<void>
}

/** Where the processes of servers come from, and what becomes of them. */
export interface Processes {
  take: (program: Program) => Process
  /** Gets a process whose server is not needed any more. */
  leave: (process: Process) => Promise<void>
}

/** A process for each server, which ends with it. */
const ofTheirOwn: Processes = { take: startProcess, leave: ({ end }) => end() }

/**
 * Processes that serve one database after the other, since the start of one takes longer than a read: a server takes the process that
 * another has left.
 */
export function sharedProcesses(): Processes & { end: () => Promise<void> } {
  const idle: Process[] = []
  return {
    take: (program) => {
      // One that has ended meanwhile is passed over.
      for (let process = idle.pop(); process; process = idle.pop()) if (process.isIdle()) return process
      return startProcess(program)
    },
    leave: async (process) => {
      idle.push(process)
    },
    end: async () => {
      await Promise.all(idle.map(({ end }) => end()))
    },
  }
}

/**
 * Starts a server for calls or for a dashboard.
 * @throws Failure as an order to a process does
 */
export async function startServer(starting: Starting, processes = ofTheirOwn): Promise<OwnServer> {
  const { answer, key, process } = await send(starting, processes)
  if ('reached' in answer)
    return { reached: answer.reached, key, ended: process.ended, end: () => processes.leave(process) }
  await process.end()
  throw unknownAnswer()
}

/**
 * Has `jobs-server --once` look at the databases of a cluster that the order asks for, and end.
 * @throws Failure as an order to a process does
 */
export async function lookAtDatabases(starting: Starting): Promise<FoundDatabase[]> {
  const { answer, process } = await send(starting, ofTheirOwn)
  await process.end()
  if ('databases' in answer) return answer.databases
  throw unknownAnswer()
}

async function send(
  { program, env, log, order, signal, timeoutMs }: Starting,
  processes: Processes,
): Promise<Ordered & { process: Process }> {
  const process = processes.take({ program, env, log })
  try {
    return { ...(await process.order(order, signal, timeoutMs)), process }
  } catch (error) {
    // A process that has answered takes another order.
    if (process.isIdle()) await processes.leave(process)
    else await process.end()
    throw error
  }
}
