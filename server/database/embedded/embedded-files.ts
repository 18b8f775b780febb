import { closeSync, fsyncSync, openSync } from 'node:fs'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/** A file or folder in Emscripten's file system. */
type FileNode = object

/** A file or folder as Emscripten's file system has it open. */
interface OpenFile {
  /** The descriptor of Node. */
  nfd: number
  node: FileNode
}

/** The part of Emscripten's file system on Node that is extended, here and where a power cut is simulated. */
export interface NodeFileSystem {
  NODEFS: {
    realPath: (node: FileNode) => string
    node_ops: { rename: (node: FileNode, folder: FileNode, name: string) => void }
    stream_ops: {
      read: (file: OpenFile, buffer: Uint8Array, offset: number, length: number, position: number) => number
      write: (file: OpenFile, buffer: Uint8Array, offset: number, length: number, position: number) => number
      setattr: (file: OpenFile, attributes: { size?: number }) => void
      /** Emscripten has no fsync for files of Node: without this function the database's fsync does nothing. */
      fsync?: (file: OpenFile) => number
    }
  }
}

interface Watching {
  fsync: boolean
  /** Called before each read, write and fsync. */
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

  /** Extends the operations on files, before the database runs. */
  protected watch({ NODEFS }: NodeFileSystem): void {
    const { fsync, touched } = this.#watching
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
