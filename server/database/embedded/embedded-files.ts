import { closeSync, fsyncSync, openSync } from 'node:fs'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { errorText } from '../../log/system-error.ts'

/** A file or folder as Emscripten's file system has it open. */
interface OpenFile {
  /** The descriptor of Node. */
  nfd: number
}

/** The part of Emscripten's file system on Node that is extended here. */
export interface NodeFileSystem {
  NODEFS: {
    /** Runs an operation of Node on files, and turns its error into one of Emscripten's. */
    tryFSOperation: (operation: () => unknown) => unknown
    stream_ops: {
      read: (file: OpenFile, buffer: Uint8Array, offset: number, length: number, position: number) => number
      write: (file: OpenFile, buffer: Uint8Array, offset: number, length: number, position: number) => number
      /** Emscripten has no fsync for files of Node: without this function the database's fsync does nothing. */
      fsync?: (file: OpenFile) => number
    }
  }
}

interface Watching {
  fsync: boolean
  /** Called before each read, write and fsync. */
  touched: () => void
  /** Called with PostgreSQL's last message that ended something, when the database ends itself. */
  aborted: (reason: string) => void
}

/** The files of the embedded database on the disk: with fsync, and with notice of what the database does. */
export class WatchedFiles extends NodeFS {
  /** PostgreSQL's last message that ended something: the whole of PostgreSQL, or its only session. */
  #lastEnd: string | undefined
  /** The last error of the disk, in words. */
  #lastTrouble: string | undefined
  readonly #watching: Watching
  constructor(folder: string, watching: Watching) {
    super(folder)
    this.#watching = watching
  }

  /** Why PostgreSQL has ended, as far as its messages and the disk tell. */
  get whyEnded(): string | undefined {
    return this.#lastEnd ?? this.#lastTrouble
  }

  override async init(...args: Parameters<NodeFS['init']>) {
    const { emscriptenOpts } = await super.init(...args)
    const { aborted } = this.#watching
    const { printErr } = emscriptenOpts
    emscriptenOpts.printErr = (line: string) => {
      this.#lastEnd = /\b(?:PANIC|FATAL):\s+(.*)/.exec(line)?.[1] ?? this.#lastEnd
      printErr?.(line)
    }
    emscriptenOpts.onAbort = () => aborted(this.whyEnded ?? 'PostgreSQL ended itself')
    emscriptenOpts.preRun = [...(emscriptenOpts.preRun ?? []), (module: NodeFileSystem) => this.watch(module)]
    return { emscriptenOpts }
  }

  /** Extends the operations on files, before the database runs. */
  protected watch({ NODEFS }: NodeFileSystem): void {
    const { fsync, touched } = this.#watching
    const { tryFSOperation } = NODEFS
    NODEFS.tryFSOperation = (operation) =>
      tryFSOperation(() => {
        try {
          return operation()
        } catch (error) {
          if (isTrouble(error)) this.#lastTrouble = errorText(error)
          throw error
        }
      })
    const operations = NODEFS.stream_ops
    const { read, write } = operations
    operations.read = (...args) => {
      touched()
      return read(...args)
    }
    operations.write = (...args) => {
      touched()
      return write(...args)
    }
    if (!fsync) return
    operations.fsync = ({ nfd }) => {
      touched()
      return syncFile(nfd)
    }
  }
}

/** Errors of a disk or of the rights to it. Others, such as a missing file, are part of PostgreSQL's work. */
const troubles = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EACCES', 'EPERM', 'EIO']

const isTrouble = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && troubles.includes(String(error.code))

/** `EIO` as WebAssembly has it. */
const inputOutputError = 29

/**
 * Waits until a file is on the disk.
 * @returns 0, or an error number. PostgreSQL then ends itself, and the next start recovers from the write-ahead log. An
 *   exception would unwind PostgreSQL in the middle of a function, and leave it in a state that gives no more answers
 */
function syncFile(descriptor: number): number {
  try {
    fsyncSync(descriptor)
    return 0
  } catch {
    return inputOutputError
  }
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
