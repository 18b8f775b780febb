import { fstatSync } from 'node:fs'
import { type NodeFileSystem, WatchedFiles } from '../../../server/database/embedded-files.ts'
import { PendingRenames } from './pending-renames.ts'
import { PendingWrites } from './pending-writes.ts'

interface Losing {
  /** Wait for the disk at each commit, as the server does. */
  fsync: boolean
  /** The number of reads, writes and fsyncs after which the power is cut. */
  cutAfter: number
  /** The chance with which a pending write is lost. */
  chance: number
  random: () => number
  /** Ends the process, after the disk has lost what it had not written. */
  cut: () => never
}

/**
 * The files of the embedded database on a disk that loses power. It then forgets, at random, writes that no fsync of their
 * file has followed and renames that no fsync of their folder has followed. A truncated file counts as durable at once.
 */
export class LossyFiles extends WatchedFiles {
  readonly #losing: Losing
  readonly #writes = new PendingWrites()
  readonly #renames: PendingRenames
  #operations = 0

  constructor(folder: string, losing: Losing) {
    super(folder, {
      fsync: losing.fsync,
      touched: () => this.#touched(),
      aborted: (reason) => process.stderr.write(`${reason}\n`),
    })
    this.#losing = losing
    this.#renames = new PendingRenames(`${folder}.replaced`)
  }

  protected override watch(module: NodeFileSystem): void {
    super.watch(module)
    const { stream_ops: streams, node_ops: nodes, realPath } = module.NODEFS
    const { write, fsync, setattr } = streams
    streams.write = (file, buffer, offset, length, position) => {
      const data = Buffer.from(buffer.buffer, buffer.byteOffset + offset, length)
      this.#writes.remember(realPath(file.node), data, position)
      return write(file, buffer, offset, length, position)
    }
    streams.setattr = (file, attributes) => {
      setattr(file, attributes)
      if (attributes.size !== undefined) this.#writes.sync(fstatSync(file.nfd).ino)
    }
    if (fsync) {
      streams.fsync = (file) => {
        const result = fsync(file)
        const { ino } = fstatSync(file.nfd)
        this.#writes.sync(ino)
        this.#renames.sync(realPath(file.node))
        return result
      }
    }
    const { rename } = nodes
    nodes.rename = (node, folder, name) => {
      this.#renames.remember(realPath(node), `${realPath(folder)}/${name}`)
      rename(node, folder, name)
    }
  }

  #touched(): void {
    this.#operations += 1
    const { cutAfter, chance, random, cut } = this.#losing
    if (this.#operations < cutAfter) return
    this.#writes.lose(chance, random)
    this.#renames.lose(random)
    cut()
  }
}
