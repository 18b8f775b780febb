/** What the database thread tells the server, beside the bytes of PostgreSQL's answers. */
export type ThreadMessage = 'open' | { stopped: string }

/** What the database thread is given at its start. */
export interface ThreadData {
  /** The folder of the database. */
  folder: string
  /** Wait for the disk at each commit. */
  fsync: boolean
  /** One 32-bit counter of file operations, by which the server sees that a long statement makes progress. */
  activity: SharedArrayBuffer
}
