import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs'

interface PendingWrite {
  position: number
  data: Buffer
  /** The bytes that were there before; fewer than `data` where the write made the file larger. */
  before: Buffer
}

interface PendingFile {
  /** A descriptor of its own, which follows the file when it is renamed. */
  descriptor: number
  /** The size before the first pending write. */
  size: number
  writes: PendingWrite[]
}

/** A disk writes whole sectors of so many bytes. */
const sectorBytes = 512

/** The writes that no fsync of their file has followed, by the file's inode. */
export class PendingWrites {
  readonly #files = new Map<number, PendingFile>()

  /** Remembers a write before it is made. */
  remember(path: string, data: Buffer, position: number): void {
    const { ino, size } = statSync(path)
    const file = this.#files.get(ino) ?? { descriptor: openSync(path, 'r+'), size, writes: [] }
    this.#files.set(ino, file)
    const before = Buffer.alloc(Math.max(0, Math.min(data.length, size - position)))
    readSync(file.descriptor, before, 0, before.length, position)
    file.writes.push({ position, data: Buffer.from(data), before })
  }

  /** The file is on the disk as it is now. */
  sync(inode: number): void {
    const file = this.#files.get(inode)
    if (file) closeSync(file.descriptor)
    this.#files.delete(inode)
  }

  /** Loses each pending write with the given chance, and now and then only its last sectors. */
  lose(chance: number, random: () => number): void {
    for (const { descriptor, size, writes } of this.#files.values()) {
      for (const { position, before } of [...writes].reverse())
        writeSync(descriptor, before, 0, before.length, position)
      if (fstatSync(descriptor).size > size) ftruncateSync(descriptor, size)
      for (const { position, data } of writes) {
        if (random() < chance) continue
        const torn = random() < 0.2
        const length = torn ? Math.floor((random() * data.length) / sectorBytes) * sectorBytes : data.length
        writeSync(descriptor, data, 0, length, position)
      }
    }
  }
}
