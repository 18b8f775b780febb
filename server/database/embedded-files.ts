import { closeSync, fsyncSync, openSync } from 'node:fs'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/** A file or folder as Emscripten's file system has it open. A folder has no descriptor of Node. */
interface OpenFile {
  nfd?: number
  node: object
}

type StreamOperation = (...args: unknown[]) => unknown

/** The part of Emscripten's file system on Node that is extended here. */
export interface NodeFileSystem {
  NODEFS: {
    realPath: (node: object) => string
    stream_ops: Record<string, StreamOperation> & { fsync?: (file: OpenFile) => number }
  }
}

interface Watching {
  fsync: boolean
  /** Called at each read, write and fsync. */
  touched: () => void
  /** Called with PostgreSQL's last error message when the database ends itself. */
  aborted: (reason: string) => void
}

/** The files of the embedded database on the disk: with fsync, and with notice of what the database does. */
export class WatchedFiles extends NodeFS {
  readonly #watching: Watching
  constructor(folder: string, watching: Watching) {
    super(folder)
    this.#watching = watching
  }

  override async init(...args: Parameters<NodeFS['init']>) {
    const { emscriptenOpts } = await super.init(...args)
    const { aborted } = this.#watching
    let last = 'PostgreSQL ended itself'
    const { printErr } = emscriptenOpts
    emscriptenOpts.printErr = (line: string) => {
      last = /\b(?:PANIC|FATAL):\s+(.*)/.exec(line)?.[1] ?? last
      printErr?.(line)
    }
    emscriptenOpts.onAbort = () => aborted(last)
    emscriptenOpts.preRun = [...(emscriptenOpts.preRun ?? []), (module: NodeFileSystem) => this.watch(module)]
    return { emscriptenOpts }
  }

  protected watch({ NODEFS }: NodeFileSystem): void {
    const { fsync, touched } = this.#watching
    const operations = NODEFS.stream_ops
    for (const name of ['read', 'write']) {
      const operation = operations[name]
      if (!operation) continue
      operations[name] = (...args) => {
        touched()
        return operation(...args)
      }
    }
    // Emscripten has no fsync for files of Node: without this function the database's fsync does nothing.
    if (fsync) operations.fsync = (file) => syncToDisk(file.nfd ?? NODEFS.realPath(file.node), touched)
  }
}

function syncToDisk(file: number | string, touched: () => void): number {
  touched()
  if (typeof file === 'number') fsyncSync(file)
  else syncPath(file)
  return 0
}

/** Waits until a file, or the entries of a folder, are on the disk. */
export function syncPath(path: string): void {
  const opened = openSync(path, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
