import { Failure } from '../../shared/errors.ts'

/** Reads whose time grows with what is stored, of which few run at once. */
export interface SlowReads {
  /**
   * Runs a read when its turn has come. Callers take turns, so that one that asks for much keeps no other one waiting.
   * @param caller the id of the caller
   * @throws Failure `database_busy` where no turn comes in time; whatever `read` throws
   */
  run: <T>(caller: string, read: () => Promise<T>) => Promise<T>
}

interface Options {
  /** The most reads that run at the same time. */
  most: number
  /** How long a read waits for its turn, in milliseconds. */
  longestWaitMs?: number
}

/** Lets in the next read of a caller. */
type Waiting = () => void

export function createSlowReads({ most, longestWaitMs = 20_000 }: Options): SlowReads {
  /** The waiting reads of each caller. The first caller of the map is the next one to have a turn. */
  const queues = new Map<string, Set<Waiting>>()
  let running = 0

  const letIn = () => {
    const [next] = queues
    if (next === undefined || running >= most) return
    const [caller, queue] = next
    const [first] = queue
    queues.delete(caller)
    if (first === undefined) return letIn()
    queue.delete(first)
    if (queue.size > 0) queues.set(caller, queue)
    running += 1
    first()
  }

  const turn = (caller: string) =>
    new Promise<void>((resolve, reject) => {
      const queue = queues.get(caller) ?? new Set()
      const timer = setTimeout(() => {
        queue.delete(come)
        reject(tooMany(longestWaitMs))
      }, longestWaitMs)
      const come = () => {
        clearTimeout(timer)
        resolve()
      }
      queue.add(come)
      queues.set(caller, queue)
      letIn()
    })

  return {
    run: async (caller, read) => {
      await turn(caller)
      try {
        return await read()
      } finally {
        running -= 1
        letIn()
      }
    },
  }
}

const tooMany = (waitedMs: number) =>
  new Failure(
    'database_busy',
    `other slow reads have kept the database busy for ${waitedMs / 1000} s; nothing was read`,
    {
      hint: 'try again in a moment, or narrow the scope',
      retryAfter: 5,
    },
  )
