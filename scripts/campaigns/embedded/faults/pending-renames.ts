import { existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface PendingRename {
  from: string
  to: string
  /** Another name of the file that the rename replaced. */
  replaced: string | undefined
}

/** The renames that no fsync of their folder has followed. */
export class PendingRenames {
  readonly #spare: string
  #count = 0
  #renames: PendingRename[] = []

  /** @param spare a folder on the same disk that keeps replaced files */
  constructor(spare: string) {
    this.#spare = spare
    rmSync(spare, { recursive: true, force: true }) // of the process before the power cut
    mkdirSync(spare, { recursive: true })
  }

  /** Remembers a rename before it is made. */
  remember(from: string, to: string): void {
    const replaced = existsSync(to) ? join(this.#spare, String(++this.#count)) : undefined
    if (replaced) linkSync(to, replaced)
    this.#renames.push({ from, to, replaced })
  }

  /** The names in the folder are on the disk. */
  sync(folder: string): void {
    this.#renames = this.#renames.filter(({ to }) => dirname(to) !== folder)
  }

  /** Loses the last pending renames: a random number of them. */
  lose(random: () => number): void {
    const kept = Math.floor(random() * (this.#renames.length + 1))
    for (const { from, to, replaced } of this.#renames.slice(kept).reverse()) {
      if (existsSync(to) && !existsSync(from)) renameSync(to, from)
      if (replaced) renameSync(replaced, to)
    }
  }
}
