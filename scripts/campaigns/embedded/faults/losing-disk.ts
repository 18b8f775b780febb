import { fstatSync } from 'node:fs'
import { PendingRenames } from './pending-renames.ts'
import { PendingWrites } from './pending-writes.ts'

/**
 * A disk that loses power. It then forgets, at random, writes that no fsync of their file has followed and renames that no
 * fsync of their folder has followed. A truncated file counts as durable at once.
 */
export class LosingDisk {
  readonly #writes = new PendingWrites()
  readonly #renames: PendingRenames
  readonly #paths = new Map<unknown, string>()

  /** @param spare a folder on the same disk that keeps replaced files */
  constructor(spare: string) {
    this.#renames = new PendingRenames(spare)
  }

  /** Takes notice of a function of Node's `fs` before it runs. */
  before(name: string, [first, second, offset, length, position]: unknown[]): void {
    if (name === 'renameSync') this.#renames.remember(String(first), String(second))
    if (name !== 'writeSync' || !ArrayBuffer.isView(second)) return
    const path = this.#paths.get(first)
    if (path === undefined) return
    const data = Buffer.from(second.buffer, second.byteOffset + Number(offset), Number(length))
    this.#writes.remember(path, data, Number(position))
  }

  /** Takes notice of a function of Node's `fs` when it has returned. */
  after(name: string, [first]: unknown[], result: unknown): void {
    if (name === 'openSync') this.#paths.set(result, String(first))
    if (name !== 'fsyncSync' && name !== 'ftruncateSync') return
    this.#writes.sync(fstatSync(Number(first)).ino)
    if (name === 'fsyncSync') this.#renames.sync(this.#paths.get(first) ?? '')
  }

  /** Cuts the power: `chance` is that of a pending write to be lost. */
  lose(chance: number, random: () => number): void {
    this.#writes.lose(chance, random)
    this.#renames.lose(random)
  }
}
